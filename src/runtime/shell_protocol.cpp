#include "runtime/shell_protocol.h"

#include <algorithm>
#include <boost/json.hpp>

namespace ac::runtime {
namespace {

namespace json = boost::json;

constexpr std::size_t kResizeBytesMax = 256;
constexpr std::size_t kIdBytesMax = 128;

std::optional<std::uint16_t> side(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    boost::system::error_code error;
    const auto number = value->to_number<std::int64_t>(error);
    if (error || number < 1 || number > UINT16_MAX) return std::nullopt;
    return static_cast<std::uint16_t>(number);
}

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

std::string shell_message(ShellChannel channel, std::string_view payload) {
    std::string message(1, static_cast<char>(channel));
    message += payload;
    return message;
}

ShellEnd shell_end(const sandbox::Outcome& outcome) {
    constexpr int kSignalled = 128;
    if (outcome.reason == sandbox::Reason::exited)
        return {.exit_code = outcome.code, .signal = std::nullopt};
    if (outcome.reason == sandbox::Reason::signaled)
        return {.exit_code = kSignalled + outcome.code, .signal = outcome.code};
    return {};
}

std::string connected_status(std::string_view shell_id, bool reconnected) {
    const json::object status{{"kind", "Status"},
                              {"apiVersion", "v1"},
                              {"metadata", {{"shellId", shell_id}, {"reconnected", reconnected}}},
                              {"status", "Success"}};
    return json::serialize(status);
}

std::string ended_status(const ShellEnd& end) {
    json::object status{{"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", json::object()}};
    if (end.exit_code == 0) {
        status["status"] = "Success";
        return json::serialize(status);
    }
    status["status"] = "Failure";
    if (!end.exit_code) {
        status["reason"] = "InternalError";
        status["message"] = "the session ended";
        status["code"] = 500;
        return json::serialize(status);
    }
    const std::string code = std::to_string(*end.exit_code);
    json::array causes{json::object{{"reason", "ExitCode"}, {"message", code}}};
    if (end.signal)
        causes.push_back(
            json::object{{"reason", "Signal"}, {"message", std::to_string(*end.signal)}});
    status["reason"] = "NonZeroExitCode";
    status["message"] = "command terminated with exit code " + code;
    status["details"] = json::object{{"causes", std::move(causes)}};
    return json::serialize(status);
}

Result<sandbox::TerminalSize> parse_resize(std::string_view payload) {
    boost::system::error_code error;
    json::value given;
    if (payload.size() <= kResizeBytesMax) given = json::parse(payload, error);
    const json::object* object = error ? nullptr : given.if_object();
    const auto columns = object == nullptr ? std::nullopt : side(*object, "width");
    const auto rows = object == nullptr ? std::nullopt : side(*object, "height");
    if (!columns || !rows)
        return fail(ErrorCode::invalid_argument,
                    "a resize is {\"width\": 1 to 65535, \"height\": 1 to 65535}");
    return sandbox::TerminalSize{.columns = *columns, .rows = *rows};
}

Result<> check_shell_id(std::string_view id) {
    const bool good =
        !id.empty() && id.size() <= kIdBytesMax && is_alphanumeric(id.front()) &&
        std::ranges::all_of(id, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
    if (good) return {};
    return fail(ErrorCode::invalid_argument,
                "shellId: 1 to 128 letters, digits, - and _, the first a letter or digit");
}

}  // namespace ac::runtime
