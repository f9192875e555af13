#include "egress/upstream.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/base64.h"
#include "base/encoding.h"
#include "net/url.h"

namespace ac::egress {
namespace {

constexpr std::size_t kAnswerBytesMax = 8 * 1024;
constexpr std::size_t kDirectMax = 256;  // entries of NO_PROXY

// The first that is set wins: tunnels are most of what installers need.
constexpr std::string_view kNames[] = {
    "HTTPS_PROXY",     "HTTP_PROXY", "ALL_PROXY", "PIP_PROXY", "npm_config_https_proxy",
    "npm_config_proxy"};

std::string_view value_of(const std::vector<std::string>& environment, std::string_view name) {
    for (const std::string_view entry : environment) {
        const auto equals = entry.find('=');
        if (equals != entry.npos && equals_ignoring_case(entry.substr(0, equals), name) &&
            equals + 1 < entry.size())
            return entry.substr(equals + 1);
    }
    return {};
}

std::vector<std::string> direct_hosts(std::string_view list) {
    std::vector<std::string> out;
    while (!list.empty() && out.size() < kDirectMax) {
        const auto end = std::min(list.find_first_of(", "), list.size());
        std::string_view one = list.substr(0, end);
        list.remove_prefix(std::min(end + 1, list.size()));
        if (one.starts_with("*.")) one.remove_prefix(1);
        while (one.starts_with('.')) one.remove_prefix(1);
        if (!one.empty()) out.push_back(to_lower(one));
    }
    return out;
}

// "HTTP/1.1 200 Connection established"
int status_of(std::string_view head) {
    constexpr std::size_t kAt = 9;
    int status = 0;
    if (head.starts_with("HTTP/1.") && head.size() > kAt + 3)
        std::from_chars(head.data() + kAt, head.data() + kAt + 3, status);
    return status;
}

}  // namespace

bool Upstream::leaves_out(std::string_view wanted) const {
    const std::string name = to_lower(wanted);
    return std::ranges::any_of(direct, [&name](const std::string& one) {
        return one == "*" || name == one || name.ends_with("." + one);
    });
}

Result<std::optional<Upstream>> upstream_of(const std::vector<std::string>& environment) {
    for (const std::string_view variable : kNames) {
        std::string text(value_of(environment, variable));
        if (text.empty()) continue;
        if (text.find("://") == text.npos) text.insert(0, "http://");
        Upstream out{.direct = direct_hosts(value_of(environment, "NO_PROXY"))};
        const auto start = text.find("://") + 3;
        const auto user_end = text.substr(0, text.find('/', start)).rfind('@');
        if (user_end != text.npos && user_end > start) {
            const auto user = percent_decode(text.substr(start, user_end - start));
            out.authorization = "Basic ";
            append_base64(out.authorization, user.value_or(std::string()));
            text.erase(start, user_end + 1 - start);
        }
        const auto url = net::parse_url(text);
        if (!url || url->is_secure)
            return fail(ErrorCode::invalid_argument,
                        std::string(variable) + " names no http:// proxy");
        out.host = url->host;
        out.port = url->port;
        return out;
    }
    return std::nullopt;
}

Task<> open_tunnel(net::Duplex& proxy, const Upstream& upstream, std::string target,
                   SteadyTime deadline) {
    std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
    if (!upstream.authorization.empty())
        request += "Proxy-Authorization: " + upstream.authorization + "\r\n";
    request += "\r\n";
    AC_CO_CHECK(co_await proxy.write(request));
    // A byte at a time: what follows the head is the tunnel's.
    std::string head;
    std::array<char, 1> next{};
    while (!head.ends_with("\r\n\r\n")) {
        AC_CO_TRY(const std::size_t count, co_await proxy.read_some(next, deadline));
        if (count == 0 || head.size() >= kAnswerBytesMax)
            co_return fail(ErrorCode::unavailable, "the proxy of this machine gave no answer");
        head += next[0];
    }
    const int status = status_of(head);
    constexpr int kOk = 200;
    constexpr int kForbidden = 403;
    if (status >= kOk && status < kOk + 100) co_return Result<>{};
    co_return fail(
        status == kForbidden ? ErrorCode::permission_denied : ErrorCode::unavailable,
        "the proxy of this machine answered " + std::to_string(status) + " for " + target);
}

}  // namespace ac::egress
