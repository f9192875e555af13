#include "runtime/proxy_headers.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "runtime/protocol.h"

namespace ac::runtime {
namespace {

constexpr std::string_view kCustomPrefix = "x-amzn-bedrock-agentcore-runtime-custom-";
constexpr std::array<std::string_view, 4> kTrace = {"X-Amzn-Trace-Id", "traceparent", "tracestate",
                                                    "baggage"};
constexpr std::array<std::string_view, 4> kMcp = {"Mcp-Session-Id", "Mcp-Protocol-Version",
                                                  "Mcp-Method", "Mcp-Name"};
// Framing and identity are the platform's business whatever an allow list says.
// Authorization is on an allow list only where callers come with a token (wire checks that).
constexpr std::array<std::string_view, 8> kNever = {
    "host", "connection", "content-length",      "transfer-encoding",
    "te",   "upgrade",    "proxy-authorization", "expect"};

bool is_one_of(std::string_view name, const auto& names) {
    return std::ranges::any_of(
        names, [&](std::string_view other) { return equals_ignoring_case(name, other); });
}

bool starts_ignoring_case(std::string_view name, std::string_view prefix) {
    return name.size() > prefix.size() &&
           equals_ignoring_case(name.substr(0, prefix.size()), prefix);
}

}  // namespace

bool is_custom_header(std::string_view name) {
    return starts_ignoring_case(name, kCustomPrefix);
}

// MCP 2025-06-18 (transports) and 2026-07-28; A2A 1.0, section 9.
bool is_protocol_header(ServerProtocol protocol, std::string_view name) {
    if (protocol == ServerProtocol::mcp)
        return equals_ignoring_case(name, "Last-Event-ID") || starts_ignoring_case(name, "Mcp-");
    if (protocol == ServerProtocol::a2a)
        return starts_ignoring_case(name, "A2A-") || starts_ignoring_case(name, "X-A2A-");
    return false;
}

namespace {

bool passes(std::string_view name, const std::vector<std::string>& allowlist) {
    if (equals_ignoring_case(name, "content-type") || equals_ignoring_case(name, "accept"))
        return true;
    if (is_one_of(name, kTrace) || is_one_of(name, kMcp)) return true;
    if (is_custom_header(name)) return true;
    if (allowlist.empty() || is_one_of(name, kNever)) return false;
    if (starts_ignoring_case(name, "x-amz-") || starts_ignoring_case(name, "x-amzn-")) return false;
    return is_one_of(name, allowlist);
}

}  // namespace

net::RequestHead guest_request(const net::RequestHead& caller, const SessionId& session,
                               std::string_view request_id,
                               const std::vector<std::string>& allowlist) {
    net::RequestHead head{.method = "POST", .target = "/invocations"};
    head.headers.add("Host", "127.0.0.1:" + std::to_string(agent_port(ServerProtocol::http)));
    for (const net::Header& header : caller.headers)
        if (passes(header.name, allowlist)) head.headers.add(header.name, header.value);
    head.headers.add(std::string(kSessionHeader), session.text());
    head.headers.add("X-Amzn-Bedrock-AgentCore-Runtime-Request-Id", std::string(request_id));
    return head;
}

std::string offered_protocols(const net::RequestHead& caller) {
    std::string kept;
    std::string_view list = caller.headers.get("Sec-WebSocket-Protocol");
    while (!list.empty()) {
        const auto end = std::min(list.find(','), list.size());
        const auto protocol = trim(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
        if (protocol.empty() || protocol.starts_with(kBearerProtocol)) continue;
        if (!kept.empty()) kept += ", ";
        kept += protocol;
    }
    return kept;
}

net::Headers caller_headers(const net::ResponseHead& guest, const net::RequestHead& caller,
                            const SessionId& session) {
    net::Headers headers;
    headers.add(
        "Content-Type",
        std::string(guest.headers.find("Content-Type").value_or("application/octet-stream")));
    headers.add(std::string(kSessionHeader), session.text());
    for (const std::string_view name : kTrace) {
        if (const auto value = guest.headers.find(name))
            headers.add(std::string(name), std::string(*value));
        else if (const auto given = caller.headers.find(name))
            headers.add(std::string(name), std::string(*given));
    }
    for (const std::string_view name : {"Mcp-Session-Id", "Mcp-Protocol-Version"})
        if (const auto value = guest.headers.find(name))
            headers.add(std::string(name), std::string(*value));
    return headers;
}

bool has_option(std::string_view list, std::string_view option) {
    while (!list.empty()) {
        const auto end = std::min(list.find(','), list.size());
        if (equals_ignoring_case(trim(list.substr(0, end)), option)) return true;
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

bool offers_bearer_protocol(const net::RequestHead& caller) {
    return has_option(caller.headers.get("Sec-WebSocket-Protocol"), kBearerProtocol);
}

}  // namespace ac::runtime
