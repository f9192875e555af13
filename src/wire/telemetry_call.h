#pragma once
// What the operations of the telemetry front share. Each is a function of the documents and one
// call, inside a transaction; what it returns is the output's members.

#include <boost/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "telemetry/settings.h"

namespace ac::wire::telemetry_front {

namespace json = boost::json;
using telemetry::Documents;
using telemetry::Kind;

struct Turn {
    Scope scope;
    WallTime now;
    json::object input;

    // "arn:aws:logs:us-west-2:111122223333:delivery:abc"
    std::string logs_arn(std::string_view resource) const {
        return "arn:aws:logs:" + scope.region + ":" + scope.account + ":" + std::string(resource);
    }
};

struct Operation {
    std::string_view name;
    // The member that names the resource, and what stands before it in its ARN; empty: policies
    // know this action on "*" only.
    std::string_view member;
    std::string_view resource;
    Result<json::object> (*run)(Documents&, const Turn&);
};

// logs_groups.cpp: log groups and resource policies
std::span<const Operation> group_operations();
// logs_deliveries.cpp
std::span<const Operation> delivery_operations();
// xray_settings.cpp
std::span<const Operation> xray_operations();

// Errors name the exception of the API that has them.
inline std::unexpected<Error> refuse(ErrorCode code, std::string_view exception,
                                     std::string message) {
    return fail(
        Error{.code = code, .message = std::move(message), .reason = std::string(exception)});
}

inline std::string text_in(const json::object& input, std::string_view name) {
    const json::value* value = input.if_contains(name);
    const json::string* text = value ? value->if_string() : nullptr;
    return text ? std::string(*text) : std::string();
}

// `exception` where it is absent, longer than `length_max`, or has a character that is neither a
// letter, a digit nor in `marks`.
Result<std::string> name_in(const json::object& input, std::string_view member,
                            std::string_view marks, std::size_t length_max,
                            std::string_view exception);

// What was kept is JSON.
Result<json::object> document_of(const std::string& text);
Result<> put(Documents& documents, Kind kind, const std::string& name, const json::object& value);

// As `limit` and `nextToken` ask, of documents that are sorted by their member `key`.
Result<json::object> page(std::vector<json::object> all, std::string_view member,
                          std::string_view key, const json::object& input);
Result<std::vector<json::object>> all_of(Documents& documents, Kind kind);

}  // namespace ac::wire::telemetry_front
