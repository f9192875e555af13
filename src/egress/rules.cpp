#include "egress/rules.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "net/url.h"

namespace ac::egress {
namespace {

std::unexpected<Error> no_pattern(std::string_view text) {
    return fail(
        ErrorCode::invalid_argument,
        "not a host pattern (HOST, *.HOST or *, with :PORT or without): " + std::string(text));
}

bool is_name(std::string_view text) {
    return !text.empty() && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._:") ==
                                std::string_view::npos;
}

bool parse_port(std::string_view text, std::uint16_t& out) {
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out);
    return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && out != 0;
}

// A name may end in the root's dot.
std::string_view without_root(std::string_view host) {
    return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

// The port after the last colon, unless that colon is inside an IPv6 address.
std::string_view::size_type port_at(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == text.npos || text.starts_with('[')) {
        const auto bracket = text.find("]:");
        return bracket == text.npos ? text.npos : bracket + 1;
    }
    return text.find(':') == colon ? colon : text.npos;
}

std::string_view without_brackets(std::string_view host) {
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    return bracketed ? host.substr(1, host.size() - 2) : host;
}

}  // namespace

Result<> HostRules::allow(std::string_view pattern) {
    Rule rule;
    std::string_view host = pattern;
    if (const auto colon = port_at(pattern); colon != pattern.npos) {
        if (!parse_port(pattern.substr(colon + 1), rule.port)) return no_pattern(pattern);
        host = pattern.substr(0, colon);
    }
    rule.any = host == "*";
    if (host.starts_with("*.")) {
        rule.below = true;
        host.remove_prefix(1);
    }
    rule.host = to_lower(without_root(without_brackets(host)));
    if (!rule.any && !is_name(rule.host)) return no_pattern(pattern);
    rules_.push_back(std::move(rule));
    return {};
}

bool HostRules::allows(std::string_view host, std::uint16_t port) const {
    const std::string name = to_lower(without_root(host));
    return std::ranges::any_of(rules_, [&](const Rule& rule) {
        if (rule.port != 0 && rule.port != port) return false;
        if (rule.any) return true;
        return rule.below ? name.size() > rule.host.size() && name.ends_with(rule.host)
                          : name == rule.host;
    });
}

Result<HostPort> parse_host_port(std::string_view text) {
    // A URL's authority, so that both are read by one set of rules.
    AC_TRY(auto url, net::parse_url("http://" + std::string(text) + "/"));
    const auto colon = port_at(text);
    const bool has_port = colon != text.npos && colon + 1 < text.size();
    if (!has_port || url.target != "/")
        return fail(ErrorCode::invalid_argument, "CONNECT names a host and a port");
    return HostPort{.host = std::move(url.host), .port = url.port};
}

}  // namespace ac::egress
