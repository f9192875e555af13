#include "bearer/discovery.h"

#include <array>
#include <boost/asio/ip/address.hpp>
#include <boost/json.hpp>

#include "base/strict_json.h"
#include "net/url.h"

namespace ac::bearer {
namespace {

namespace json = boost::json;

constexpr std::size_t kDepthMax = 8;
constexpr std::string_view kOpenId = "/.well-known/openid-configuration";
constexpr std::string_view kOAuth = "/.well-known/oauth-authorization-server";

std::unexpected<Error> refuse(std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
}

bool is_private(const boost::asio::ip::address_v4& address) {
    const std::uint32_t bits = address.to_uint();
    return address.is_loopback() || bits >> 24 == 10 || bits >> 20 == 0xac1 || bits >> 16 == 0xc0a8;
}

bool stays_at_home(const std::string& host) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(host, error);
    if (error) return host.find('.') == std::string::npos;
    if (address.is_v4()) return is_private(address.to_v4());
    return address.is_loopback() || (address.to_v6().to_bytes()[0] & 0xfe) == 0xfc;
}

Result<net::Url> safe_url(std::string_view text, std::string_view what) {
    auto url = net::parse_url(text);
    if (!url) return refuse(std::string(what) + ": " + url.error().message);
    if (!url->is_secure && !stays_at_home(url->host))
        return refuse(std::string(what) + " must be https");
    return url;
}

std::string without_slash(std::string text) {
    if (text.ends_with('/')) text.pop_back();
    return text;
}

bool is_issuer(const std::string& issuer, const std::string& expected) {
    if (without_slash(issuer) == without_slash(expected)) return true;
    constexpr std::string_view kMicrosoft = "https://login.microsoftonline.com/";
    return expected.starts_with(kMicrosoft) &&
           without_slash(issuer) ==
               "https://sts.windows.net/" + without_slash(expected.substr(kMicrosoft.size()));
}

std::string text_in(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    if (value == nullptr || !value->is_string()) return {};
    return std::string(value->get_string());
}

std::vector<std::string> list_in(const json::object& object, std::string_view name) {
    std::vector<std::string> out;
    const json::value* value = object.if_contains(name);
    if (value == nullptr || !value->is_array()) return out;
    for (const json::value& item : value->get_array())
        if (item.is_string()) out.emplace_back(item.get_string());
    return out;
}

}  // namespace

Result<std::string> issuer_of(std::string_view discovery_url) {
    AC_TRY(const net::Url url, safe_url(discovery_url, "the discovery URL"));
    std::string_view target = url.target;
    if (target.find('?') != target.npos) return refuse("the discovery URL has a query");
    for (const std::string_view suffix : {kOpenId, kOAuth})
        if (target.ends_with(suffix))
            return url.origin() + std::string(target.substr(0, target.size() - suffix.size()));
    if (target.starts_with(std::string(kOAuth) + "/"))
        return url.origin() + std::string(target.substr(kOAuth.size()));
    return refuse("the discovery URL does not end in " + std::string(kOpenId));
}

Result<ServerMetadata> parse_metadata(std::string_view text, std::string_view discovery_url) {
    AC_TRY(const std::string expected, issuer_of(discovery_url));
    AC_TRY(const net::Url origin, net::parse_url(discovery_url));
    auto value = parse_strict_json(text, kDepthMax);
    if (!value || !value->is_object()) return refuse("the discovery document is no JSON object");
    const json::object& object = value->get_object();
    ServerMetadata out{
        .issuer = text_in(object, "issuer"),
        .jwks_uri = text_in(object, "jwks_uri"),
        .authorization_endpoint = text_in(object, "authorization_endpoint"),
        .token_endpoint = text_in(object, "token_endpoint"),
        .revocation_endpoint = text_in(object, "revocation_endpoint"),
        .userinfo_endpoint = text_in(object, "userinfo_endpoint"),
        .response_types = list_in(object, "response_types_supported"),
        .token_auth_methods = list_in(object, "token_endpoint_auth_methods_supported"),
        .code_challenge_methods = list_in(object, "code_challenge_methods_supported")};
    if (const json::value* flag =
            object.if_contains("authorization_response_iss_parameter_supported"))
        out.answers_with_issuer = flag->is_bool() && flag->get_bool();
    if (!is_issuer(out.issuer, expected))
        return refuse("the discovery document is of another issuer");
    for (const std::string* endpoint :
         {&out.jwks_uri, &out.authorization_endpoint, &out.token_endpoint, &out.revocation_endpoint,
          &out.userinfo_endpoint}) {
        if (endpoint->empty()) continue;
        AC_TRY(const net::Url url, safe_url(*endpoint, "an endpoint of the discovery document"));
        if (origin.is_secure && !url.is_secure)
            return refuse("the discovery document leads away from https");
    }
    return out;
}

}  // namespace ac::bearer
