#pragma once
// What the operations of the Cognito front share.

#include <boost/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "issuer/issuer.h"

namespace ac::wire::cognito {

namespace json = boost::json;
using issuer::Issuer;
using issuer::Pool;

inline std::string text_in(const json::object& input, std::string_view name) {
    const json::value* value = input.if_contains(name);
    if (value == nullptr || !value->is_string()) return {};
    return std::string(value->get_string());
}

inline std::vector<std::string> list_in(const json::object& input, std::string_view name) {
    std::vector<std::string> out;
    const json::value* value = input.if_contains(name);
    if (value == nullptr || !value->is_array()) return out;
    for (const json::value& item : value->get_array())
        if (item.is_string()) out.emplace_back(item.get_string());
    return out;
}

inline std::unexpected<Error> invalid(std::string message) {
    return fail({.code = ErrorCode::invalid_argument,
                 .message = std::move(message),
                 .reason = "InvalidParameterException"});
}

inline Result<std::string> required(const json::object& input, std::string_view name,
                                    std::size_t length_max = 128) {
    std::string text = text_in(input, name);
    if (text.empty()) return invalid(std::string(name) + " is required");
    if (text.size() > length_max) return invalid(std::string(name) + " is too long");
    return text;
}

inline double epoch_seconds(WallTime time) {
    return static_cast<double>(to_epoch_ms(time)) / 1000;
}

struct Call {
    Issuer& issuer;
    Scope scope;
    json::object input;
};

using Operation = Task<json::object> (*)(Call);
using NamedOperation = std::pair<std::string_view, Operation>;

std::span<const NamedOperation> pool_operations();
std::span<const NamedOperation> client_operations();
std::span<const NamedOperation> user_operations();

// The pool and client that the input names; not_found.
Task<Pool> pool_of(const Call& call);
Task<issuer::ClientPointer> client_of(const Call& call, const Pool& pool);

}  // namespace ac::wire::cognito
