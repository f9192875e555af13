#include "wire/agent_errors.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "runtime/runtime_service.h"
#include "wire/error_map.h"

namespace ac::wire {
namespace {

namespace json = boost::json;
using runtime::ServerProtocol;

constexpr std::size_t kKeptBytesMax = 64 * 1024;

struct RpcCode {
    int code = 0;
    int status = 200;
};

// AWS's codes for MCP: the transport's status stays 200 except where HTTP clients must see more.
RpcCode mcp_code(const Error& error) {
    switch (error.code) {
        case ErrorCode::unauthenticated:
            return {-32001, 401};
        case ErrorCode::permission_denied:
            return {-32002, 403};
        case ErrorCode::throttled:
        case ErrorCode::quota_exceeded:
            return {-32003};
        case ErrorCode::not_found:
            return {-32004};
        case ErrorCode::conflict:
        case ErrorCode::busy:
            return {-32005};
        case ErrorCode::invalid_argument:
        case ErrorCode::too_large:
            return {-32006};
        case ErrorCode::guest_failed:
            if (error.reason == runtime::kNotAcceptable) return {-32011, 406};
            return {-32010};
        case ErrorCode::deadline_exceeded:
            return {-32010};
        default:
            return {-32603};
    }
}

RpcCode a2a_code(const Error& error) {
    switch (error.code) {
        case ErrorCode::not_found:
            return {-32051, 404};
        case ErrorCode::invalid_argument:
        case ErrorCode::too_large:
            return {-32052, 400};
        case ErrorCode::throttled:
        case ErrorCode::quota_exceeded:
            return {-32053, 429};
        case ErrorCode::conflict:
        case ErrorCode::busy:
            return {-32054, 409};
        case ErrorCode::guest_failed:
        case ErrorCode::deadline_exceeded:
            return {-32055, 424};
        default:
            return {-32603, 500};
    }
}

struct RunCode {
    std::string_view code;
    int status = 200;
};

RunCode agui_code(const Error& error) {
    switch (error.code) {
        case ErrorCode::unauthenticated:
            return {"UNAUTHORIZED", 401};
        case ErrorCode::permission_denied:
            return {"ACCESS_DENIED", 403};
        case ErrorCode::invalid_argument:
        case ErrorCode::too_large:
            return {"VALIDATION_ERROR", 400};
        case ErrorCode::throttled:
            return {"RATE_LIMIT_EXCEEDED", 429};
        case ErrorCode::quota_exceeded:
            return {"SERVICE_QUOTA_EXCEEDED", 429};
        case ErrorCode::conflict:
        case ErrorCode::busy:
            return {"SESSION_BUSY", 409};
        case ErrorCode::guest_failed:
        case ErrorCode::deadline_exceeded:
            return {"AGENT_ERROR", 200};
        default:
            return {"INTERNAL_ERROR", 500};
    }
}

net::Response rpc_response(RpcCode code, const Error& error, std::string_view request) {
    json::object body;
    body["jsonrpc"] = "2.0";
    body["id"] = json::parse(rpc_id(request));
    body["error"] = {{"code", code.code}, {"message", map_error(error, nullptr).message}};
    net::Response response{.status = code.status, .headers = {}, .body = json::serialize(body)};
    response.headers.add("Content-Type", "application/json");
    return response;
}

net::Response run_response(RunCode code, const Error& error) {
    const json::object event{
        {"type", "RUN_ERROR"}, {"code", code.code}, {"message", map_error(error, nullptr).message}};
    net::Response response{
        .status = code.status, .headers = {}, .body = "data: " + json::serialize(event) + "\n\n"};
    response.headers.add("Content-Type", "text/event-stream");
    return response;
}

}  // namespace

Task<std::size_t> RememberingBody::read_some(std::span<char> out) {
    AC_CO_TRY(const std::size_t size, co_await inner_.read_some(out));
    const std::size_t room = kKeptBytesMax - std::min(kept_.size(), kKeptBytesMax);
    kept_.append(out.data(), std::min(size, room));
    co_return size;
}

Task<std::string> RememberingBody::text() {
    std::array<char, 4096> buffer;
    const std::span<char> room(buffer);
    while (kept_.size() < kKeptBytesMax) {
        const auto size = co_await read_some(room);
        if (!size || *size == 0) break;
    }
    co_return kept_;
}

std::string rpc_id(std::string_view request) {
    boost::system::error_code error;
    const json::value value = json::parse(json::string_view(request.data(), request.size()), error);
    if (error || !value.is_object()) return "null";
    const json::value* id = value.get_object().if_contains("id");
    if (id == nullptr || (!id->is_string() && !id->is_number())) return "null";
    return json::serialize(*id);
}

std::optional<net::Response> agent_error(ServerProtocol protocol, const Error& error,
                                         std::string_view request) {
    switch (protocol) {
        case ServerProtocol::http:
            return std::nullopt;
        case ServerProtocol::mcp:
            return rpc_response(mcp_code(error), error, request);
        case ServerProtocol::a2a:
            if (error.code == ErrorCode::permission_denied ||
                error.code == ErrorCode::unauthenticated)
                return std::nullopt;
            return rpc_response(a2a_code(error), error, request);
        case ServerProtocol::agui:
            return run_response(agui_code(error), error);
    }
    return std::nullopt;
}

}  // namespace ac::wire
