#include "identity/servers.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

namespace ac::identity {
namespace {

constexpr std::size_t kUrlBytesMax = 2048;
constexpr std::string_view kWellKnown = "/.well-known/";

std::unexpected<Error> unusable(std::string_view why) {
    return fail(
        ErrorCode::unavailable,
        fmt::format("The authorization server's discovery document is not usable: {}", why));
}

std::string text_in(const json::object& object, std::string_view name) {
    const auto* const value = object.if_contains(name);
    return value && value->is_string() ? std::string(std::string_view(value->as_string()))
                                       : std::string();
}

std::vector<std::string> texts_in(const json::object& object, std::string_view name) {
    std::vector<std::string> out;
    const auto* const value = object.if_contains(name);
    if (!value || !value->is_array()) return out;
    for (const auto& item : value->as_array())
        if (item.is_string()) out.emplace_back(std::string_view(item.as_string()));
    return out;
}

bool is_web_url(std::string_view url) {
    return url.size() <= kUrlBytesMax &&
           (url.starts_with("https://") || url.starts_with("http://")) &&
           url.find('#') == std::string_view::npos &&
           url.find_first_of(" \t\r\n\"<>\\") == std::string_view::npos;
}

std::string_view without_slash(std::string_view url) {
    return url.ends_with('/') ? url.substr(0, url.size() - 1) : url;
}

}  // namespace

Result<ServerMetadata> parse_metadata(std::string_view discovery_url, std::string_view document) {
    boost::system::error_code error;
    const auto parsed = json::parse(document, error);
    if (error || !parsed.is_object()) return unusable("it is not a JSON object");
    const auto& object = parsed.as_object();
    ServerMetadata out{
        .issuer = text_in(object, "issuer"),
        .authorization_endpoint = text_in(object, "authorization_endpoint"),
        .token_endpoint = text_in(object, "token_endpoint"),
        .token_auth_methods = texts_in(object, "token_endpoint_auth_methods_supported"),
        .challenge_methods = texts_in(object, "code_challenge_methods_supported"),
        .names_issuer = object.contains("authorization_response_iss_parameter_supported") &&
                        object.at("authorization_response_iss_parameter_supported") == true};
    const auto at = discovery_url.find(kWellKnown);
    const std::string_view asked = discovery_url.substr(0, at);
    if (without_slash(out.issuer) != without_slash(asked))
        return unusable("it names another issuer");
    if (!is_web_url(out.token_endpoint)) return unusable("token_endpoint is no URL");
    if (!out.authorization_endpoint.empty() && !is_web_url(out.authorization_endpoint))
        return unusable("authorization_endpoint is no URL");
    // What is discovered over TLS does not lead away from it.
    if (discovery_url.starts_with("https://") && !out.token_endpoint.starts_with("https://"))
        return unusable("token_endpoint is not https");
    return out;
}

Task<ServerMetadata> Servers::find(const OauthConfig& config) {
    if (config.discovery_url.empty()) {
        co_return ServerMetadata{.issuer = config.issuer,
                                 .authorization_endpoint = config.authorization_endpoint,
                                 .token_endpoint = config.token_endpoint,
                                 .token_auth_methods = config.token_auth_methods};
    }
    const auto now = context_.timer.clock().steady();
    {
        const std::lock_guard lock(mutex_);
        const auto known = known_.find(config.discovery_url);
        if (known != known_.end() && known->second.until > now) co_return known->second.metadata;
    }
    OutsideRequest request{.method = "GET",
                           .url = config.discovery_url,
                           .headers = {},
                           .body = {},
                           .answer_bytes_max = context_.limits.metadata_bytes_max,
                           .timeout = context_.limits.provider_timeout};
    request.headers.add("Accept", "application/json");
    AC_CO_TRY(const net::Response response, co_await context_.outside.fetch(std::move(request)));
    if (response.status != 200) co_return unusable(fmt::format("status {}", response.status));
    AC_CO_TRY(auto metadata, parse_metadata(config.discovery_url, response.body));
    const std::lock_guard lock(mutex_);
    if (known_.size() >= context_.limits.metadata_entries_max) known_.clear();
    known_[config.discovery_url] = {metadata, now + context_.limits.metadata_life};
    co_return metadata;
}

}  // namespace ac::identity
