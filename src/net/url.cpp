#include "net/url.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "net/http_head.h"

namespace ac::net {
namespace {

constexpr std::size_t kUrlBytesMax = 8 * 1024;

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

std::unexpected<Error> not_url(std::string_view why) {
    return fail(ErrorCode::invalid_argument, "not an http or https URL: " + std::string(why));
}

bool is_host_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
           c == ':';
}

Result<std::uint16_t> parse_port(std::string_view text, bool is_secure) {
    if (text.empty()) return is_secure ? kHttpsPort : kHttpPort;
    std::uint16_t port = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || port == 0)
        return not_url("its port is no port");
    return port;
}

Result<> parse_authority(std::string_view text, Url& url) {
    if (text.find('@') != text.npos) return not_url("user information is not allowed in it");
    std::string_view host = text;
    std::string_view port;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == text.npos) return not_url("its address lacks a bracket");
        host = text.substr(1, end - 1);
        const auto rest = text.substr(end + 1);
        if (!rest.empty() && rest[0] != ':') return not_url("its port is no port");
        port = rest.empty() ? rest : rest.substr(1);
        if (host.find(':') == host.npos) return not_url("its address is no IPv6 address");
    } else if (const auto colon = text.find(':'); colon != text.npos) {
        host = text.substr(0, colon);
        port = text.substr(colon + 1);
    }
    url.host = to_lower(host);
    if (url.host.empty()) return not_url("it names no host");
    if (!std::ranges::all_of(url.host, is_host_byte)) return not_url("its host is no host");
    AC_TRY(url.port, parse_port(port, url.is_secure));
    return {};
}

}  // namespace

std::string Url::authority() const {
    const bool is_v6 = host.find(':') != host.npos;
    std::string text = is_v6 ? "[" + host + "]" : host;
    if (port != (is_secure ? kHttpsPort : kHttpPort)) text += ":" + std::to_string(port);
    return text;
}

std::string Url::origin() const {
    return (is_secure ? "https://" : "http://") + authority();
}

Result<Url> parse_url(std::string_view text) {
    if (text.size() > kUrlBytesMax) return not_url("it is too long");
    Url url;
    const auto scheme_end = text.find("://");
    if (scheme_end == text.npos) return not_url("it has no scheme");
    const auto scheme = text.substr(0, scheme_end);
    url.is_secure = equals_ignoring_case(scheme, "https");
    if (!url.is_secure && !equals_ignoring_case(scheme, "http"))
        return not_url("its scheme is another");
    text.remove_prefix(scheme_end + 3);
    text = text.substr(0, text.find('#'));
    const auto authority_end = std::min(text.find_first_of("/?"), text.size());
    AC_CHECK(parse_authority(text.substr(0, authority_end), url));
    const auto target = text.substr(authority_end);
    if (!target.empty()) url.target = target.starts_with('/') ? target : "/" + std::string(target);
    if (!is_target(url.target)) return not_url("its path holds what no path may");
    return url;
}

Result<Url> resolve_url(const Url& base, std::string_view reference) {
    reference = reference.substr(0, reference.find('#'));
    if (reference.find("://") < reference.find_first_of("/?")) return parse_url(reference);
    if (reference.starts_with("//"))
        return parse_url((base.is_secure ? "https:" : "http:") + std::string(reference));
    if (reference.empty()) return base;
    if (reference.starts_with('/')) return parse_url(base.origin() + std::string(reference));
    const std::string_view path = std::string_view(base.target).substr(0, base.target.find('?'));
    const auto folder = reference.starts_with('?') ? path : path.substr(0, path.rfind('/') + 1);
    return parse_url(base.origin() + std::string(folder) + std::string(reference));
}

}  // namespace ac::net
