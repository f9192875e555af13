#pragma once
// Reading members of JSON objects that were validated already: absent and null are the same.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

namespace ac::wire {

inline std::string to_text(const boost::json::string& text) {
    return {text.data(), text.size()};
}

// nullptr when absent or null.
inline const boost::json::value* member_in(const boost::json::object& object,
                                           std::string_view name) {
    const auto* value = object.if_contains(name);
    return value == nullptr || value->is_null() ? nullptr : value;
}

inline const boost::json::object* object_in(const boost::json::object& object,
                                            std::string_view name) {
    const auto* value = member_in(object, name);
    return value == nullptr ? nullptr : value->if_object();
}

inline const boost::json::array* array_in(const boost::json::object& object,
                                          std::string_view name) {
    const auto* value = member_in(object, name);
    return value == nullptr ? nullptr : value->if_array();
}

// "" when absent or no string.
inline std::string string_in(const boost::json::object& object, std::string_view name) {
    const auto* value = member_in(object, name);
    return value != nullptr && value->is_string() ? to_text(value->get_string()) : std::string();
}

inline bool flag_in(const boost::json::object& object, std::string_view name) {
    const auto* value = member_in(object, name);
    return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace ac::wire
