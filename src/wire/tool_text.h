#pragma once
// Bytes that strangers' code made, on their way into JSON.

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "base/storable_text.h"
#include "wire/json_members.h"

namespace ac::wire {

// Everything up to the last whole character: a character may come in two pieces.
inline std::size_t whole_characters(std::string_view text) {
    std::size_t end = text.size();
    for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if (byte < 0x80) break;
        if (byte < 0xc0) continue;
        const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
        if (length > back) end = text.size() - back;
        break;
    }
    return end;
}

inline std::string readable(std::string_view text) {
    return is_valid_utf8(text) ? std::string(text) : to_storable_text(text);
}

// 0 when it is none.
inline std::int64_t integer_in(const boost::json::object& object, std::string_view name) {
    const auto* value = member_in(object, name);
    return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}

}  // namespace ac::wire
