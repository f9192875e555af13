#include "wire/telemetry_front.h"

#include <array>

#include "base/log.h"
#include "wire/aws_json.h"
#include "wire/json_text.h"
#include "wire/telemetry_call.h"

namespace ac::wire {
namespace telemetry_front {

Result<std::string> name_in(const json::object& input, std::string_view member,
                            std::string_view marks, std::size_t length_max,
                            std::string_view exception) {
    std::string text = text_in(input, member);
    const auto is_allowed = [marks](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               marks.find(c) != marks.npos;
    };
    if (text.empty() || text.size() > length_max || !std::ranges::all_of(text, is_allowed))
        return refuse(ErrorCode::invalid_argument, exception,
                      std::string(member) + " is absent or not a valid name");
    return text;
}

Result<json::object> document_of(const std::string& text) {
    AC_TRY(json::value value, parse_json(text));
    return std::move(value.as_object());
}

Result<> put(Documents& documents, Kind kind, const std::string& name, const json::object& value) {
    return documents.put(kind, name, json::serialize(value));
}

Result<std::vector<json::object>> all_of(Documents& documents, Kind kind) {
    AC_TRY(const auto texts, documents.list(kind));
    std::vector<json::object> all;
    for (const std::string& text : texts) {
        AC_TRY(json::object document, document_of(text));
        all.push_back(std::move(document));
    }
    return all;
}

Result<json::object> page(std::vector<json::object> all, std::string_view member,
                          std::string_view key, const json::object& input) {
    constexpr std::int64_t kPageMax = 50;
    std::int64_t limit = kPageMax;
    if (const json::value* wanted = input.if_contains("limit"); wanted && !wanted->is_null()) {
        limit = wanted->is_int64() ? wanted->get_int64() : 0;
        if (limit < 1 || limit > kPageMax)
            return refuse(ErrorCode::invalid_argument, "InvalidParameterException",
                          "limit is from 1 to 50");
    }
    const std::string after = text_in(input, "nextToken");
    std::erase_if(all, [&](const auto& item) { return text_in(item, key) <= after; });
    json::object out;
    if (all.size() > static_cast<std::size_t>(limit)) {
        all.resize(static_cast<std::size_t>(limit));
        out["nextToken"] = text_in(all.back(), key);
    }
    json::array items;
    for (json::object& item : all) items.push_back(std::move(item));
    out[member] = std::move(items);
    return out;
}

}  // namespace telemetry_front

namespace {

namespace json = boost::json;

using telemetry_front::Operation;
using telemetry_front::Turn;

constexpr std::string_view kLogs = "logs";
constexpr std::string_view kXray = "xray";

const Operation* find_operation(std::string_view service, std::string_view name) {
    const auto in = [name](std::span<const Operation> operations) -> const Operation* {
        const auto found = std::ranges::find(operations, name, &Operation::name);
        return found == operations.end() ? nullptr : &*found;
    };
    if (service == kXray) return in(telemetry_front::xray_operations());
    const Operation* group = in(telemetry_front::group_operations());
    return group ? group : in(telemetry_front::delivery_operations());
}

std::string_view exception_of(const Error& error) {
    if (!error.reason.empty() && error.reason != "CannotParse") return error.reason;
    switch (error.code) {
        case ErrorCode::invalid_argument:
        case ErrorCode::too_large:
            return "InvalidParameterException";
        case ErrorCode::not_found:
            return "ResourceNotFoundException";
        case ErrorCode::permission_denied:
            return "AccessDeniedException";
        case ErrorCode::quota_exceeded:
            return "LimitExceededException";
        case ErrorCode::not_implemented:
            return "UnknownOperationException";
        default:
            return kInternalFailure;
    }
}

Task<json::object> run(telemetry::Settings& settings, TelemetryCall& call) {
    const Operation* operation = find_operation(call.service, call.operation);
    if (operation == nullptr)
        co_return fail(
            ErrorCode::not_implemented,
            (call.operation.empty() ? std::string("an operation without a name") : call.operation) +
                " is not implemented by agentcored");
    AC_CO_TRY(json::value input, parse_json(call.body.empty() ? "{}" : call.body));
    if (!input.is_object()) co_return fail(ErrorCode::invalid_argument, "want a JSON object");
    Turn turn{.scope = call.scope, .now = call.now, .input = std::move(input.get_object())};
    std::string resource = "*";
    if (!operation->member.empty())
        resource = turn.logs_arn(std::string(operation->resource) + ":" +
                                 telemetry_front::text_in(turn.input, operation->member));
    AC_CO_CHECK(call.may(call.service + ":" + call.operation, resource));
    const auto work = [operation, turn](telemetry::Documents& documents) {
        return operation->run(documents, turn);
    };
    co_return co_await settings.change(call.scope, work);
}

}  // namespace

bool is_telemetry_service(std::string_view service) {
    return service == kLogs || service == kXray;
}

std::string_view telemetry_operation(const net::RequestHead& head, std::string_view service) {
    if (service == kLogs) return target_operation(head, "Logs_20140328");
    const std::string_view path = head.path();
    return path.empty() ? path : path.substr(1);
}

asio::awaitable<net::Response, Executor> answer_telemetry(telemetry::Settings& settings,
                                                          TelemetryCall call) {
    const auto output = co_await run(settings, call);
    if (output) co_return aws_json(*output, call.request_id);
    const Error& error = output.error();
    if (exception_of(error) == kInternalFailure)
        AC_LOG(error, "a telemetry setting failed", {"operation", call.operation},
               {"request_id", call.request_id}, {"reason", error.message});
    co_return aws_json_error(exception_of(error), error.message, call.request_id);
}

}  // namespace ac::wire
