#include "base/strict_json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>

namespace ac {
namespace {

namespace json = boost::json;

// Builds the value, counting member names: an object with fewer members than names had a name twice
// (the stack keeps the last one silently).
struct Builder {
    static constexpr std::size_t max_object_size = std::size_t{1} << 24;
    static constexpr std::size_t max_array_size = std::size_t{1} << 24;
    static constexpr std::size_t max_key_size = std::size_t{1} << 24;
    static constexpr std::size_t max_string_size = std::size_t{1} << 28;

    json::value_stack stack;
    std::size_t names = 0;
    std::string number;

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }
    bool on_array_begin(json::error_code&) { return true; }
    bool on_array_end(std::size_t n, json::error_code&) {
        stack.push_array(n);
        return true;
    }
    bool on_object_begin(json::error_code&) { return true; }
    bool on_object_end(std::size_t n, json::error_code&) {
        names += n;
        stack.push_object(n);
        return true;
    }
    bool on_string_part(std::string_view s, std::size_t, json::error_code&) {
        stack.push_chars(s);
        return true;
    }
    bool on_string(std::string_view s, std::size_t, json::error_code&) {
        stack.push_string(s);
        return true;
    }
    bool on_key_part(std::string_view s, std::size_t, json::error_code&) {
        stack.push_chars(s);
        return true;
    }
    bool on_key(std::string_view s, std::size_t, json::error_code&) {
        stack.push_key(s);
        return true;
    }
    bool on_number_part(std::string_view s, json::error_code&) {
        number += s;
        return true;
    }
    bool on_int64(std::int64_t i, std::string_view, json::error_code&) {
        number.clear();
        stack.push_int64(i);
        return true;
    }
    bool on_uint64(std::uint64_t u, std::string_view, json::error_code&) {
        number.clear();
        stack.push_uint64(u);
        return true;
    }
    // The parser's own conversion may be off by a bit in the last place.
    bool on_double(double d, std::string_view s, json::error_code& error) {
        number += s;
        const char* end = number.data() + number.size();
        double exact = d;
        const auto read = std::from_chars(number.data(), end, exact);
        if (read.ec == std::errc{} && read.ptr == end) d = exact;
        number.clear();
        if (!std::isfinite(d)) {
            error = json::error::exponent_overflow;
            return false;
        }
        stack.push_double(d);
        return true;
    }
    bool on_bool(bool b, json::error_code&) {
        stack.push_bool(b);
        return true;
    }
    bool on_null(json::error_code&) {
        stack.push_null();
        return true;
    }
    bool on_comment_part(std::string_view, json::error_code&) { return true; }
    bool on_comment(std::string_view, json::error_code&) { return true; }
};

std::size_t count_members(const json::value& value) {
    std::size_t count = 0;
    if (const auto* object = value.if_object()) {
        count = object->size();
        for (const auto& [name, member] : *object) count += count_members(member);
    } else if (const auto* array = value.if_array()) {
        for (const json::value& element : *array) count += count_members(element);
    }
    return count;
}

}  // namespace

Result<json::value> parse_strict_json(std::string_view text, std::size_t depth_max) {
    json::parse_options options;
    options.max_depth = depth_max;
    json::basic_parser<Builder> parser(options);
    parser.handler().stack.reset();
    json::error_code error;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
    if (!error && used < text.size()) error = json::error::extra_data;
    if (error) return fail(ErrorCode::invalid_argument, error.message());
    json::value value = parser.handler().stack.release();
    if (count_members(value) != parser.handler().names)
        return fail(ErrorCode::invalid_argument, "a member is given twice");
    return value;
}

}  // namespace ac
