#pragma once
// Reading JSON that somebody else wrote: what is missing or of another type is as if absent.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace ac::models {

inline const boost::json::object* object_in(const boost::json::object& from,
                                            std::string_view name) {
    const auto* value = from.if_contains(name);
    return value != nullptr ? value->if_object() : nullptr;
}

inline const boost::json::array* array_in(const boost::json::object& from, std::string_view name) {
    const auto* value = from.if_contains(name);
    return value != nullptr ? value->if_array() : nullptr;
}

inline std::string_view text_view_in(const boost::json::object& from, std::string_view name) {
    const auto* value = from.if_contains(name);
    if (value == nullptr || !value->is_string()) return {};
    return value->get_string();
}

inline std::string text_in(const boost::json::object& from, std::string_view name) {
    return std::string(text_view_in(from, name));
}

// A count: 0 where there is none, or where it is negative or beyond reason.
inline std::int64_t count_in(const boost::json::object& from, std::string_view name) {
    constexpr std::int64_t kMax = std::int64_t{1} << 40;
    const auto* value = from.if_contains(name);
    if (value == nullptr) return 0;
    if (const auto* number = value->if_int64())
        return *number >= 0 && *number <= kMax ? *number : 0;
    const auto* number = value->if_double();
    return number != nullptr && *number >= 0 && *number <= static_cast<double>(kMax)
               ? static_cast<std::int64_t>(*number)
               : 0;
}

}  // namespace ac::models
