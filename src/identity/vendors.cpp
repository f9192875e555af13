#include "identity/vendors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace ac::identity {
namespace {

using Extra = std::pair<std::string_view, std::string_view>;

constexpr std::string_view kIncluded = "includedOauth2ProviderConfig";

// A refresh token is what these give only when asked for it this way.
constexpr Extra kGoogle[] = {{"access_type", "offline"}, {"prompt", "consent"}};
constexpr Extra kAtlassian[] = {{"audience", "api.atlassian.com"}, {"prompt", "consent"}};
constexpr Extra kReddit[] = {{"duration", "permanent"}};
constexpr Extra kDropbox[] = {{"token_access_type", "offline"}};
constexpr Extra kNotion[] = {{"owner", "user"}};

// From each vendor's own documentation. {tenant} is Microsoft's.
constexpr std::array kVendors = {
    Vendor{.name = "CustomOauth2", .member = "customOauth2ProviderConfig"},
    Vendor{.name = "GoogleOauth2",
           .member = "googleOauth2ProviderConfig",
           .issuer = "https://accounts.google.com",
           .authorization_endpoint = "https://accounts.google.com/o/oauth2/v2/auth",
           .token_endpoint = "https://oauth2.googleapis.com/token",
           .authorization_extras = kGoogle},
    Vendor{.name = "GithubOauth2",
           .member = "githubOauth2ProviderConfig",
           .issuer = "https://github.com/login/oauth",
           .authorization_endpoint = "https://github.com/login/oauth/authorize",
           .token_endpoint = "https://github.com/login/oauth/access_token"},
    Vendor{.name = "SlackOauth2",
           .member = "slackOauth2ProviderConfig",
           .issuer = "https://slack.com",
           .authorization_endpoint = "https://slack.com/oauth/v2/authorize",
           .token_endpoint = "https://slack.com/api/oauth.v2.access",
           .scope_parameter = "user_scope",
           .scope_separator = ScopeSeparator::comma},
    Vendor{.name = "SalesforceOauth2",
           .member = "salesforceOauth2ProviderConfig",
           .issuer = "https://login.salesforce.com",
           .authorization_endpoint = "https://login.salesforce.com/services/oauth2/authorize",
           .token_endpoint = "https://login.salesforce.com/services/oauth2/token"},
    Vendor{.name = "MicrosoftOauth2",
           .member = "microsoftOauth2ProviderConfig",
           .issuer = "https://login.microsoftonline.com/{tenant}/v2.0",
           .authorization_endpoint =
               "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
           .token_endpoint = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token"},
    Vendor{.name = "AtlassianOauth2",
           .member = "atlassianOauth2ProviderConfig",
           .issuer = "https://auth.atlassian.com",
           .authorization_endpoint = "https://auth.atlassian.com/authorize",
           .token_endpoint = "https://auth.atlassian.com/oauth/token",
           .authorization_extras = kAtlassian},
    // LinkedIn takes PKCE from native applications only, which have no secret.
    Vendor{.name = "LinkedinOauth2",
           .member = "linkedinOauth2ProviderConfig",
           .issuer = "https://www.linkedin.com/oauth",
           .authorization_endpoint = "https://www.linkedin.com/oauth/v2/authorization",
           .token_endpoint = "https://www.linkedin.com/oauth/v2/accessToken",
           .pkce = Pkce::none},
    Vendor{.name = "XOauth2",
           .member = kIncluded,
           .issuer = "https://x.com",
           .authorization_endpoint = "https://x.com/i/oauth2/authorize",
           .token_endpoint = "https://api.x.com/2/oauth2/token",
           .authentication = ClientAuthentication::basic},
    Vendor{.name = "OktaOauth2",
           .member = kIncluded,
           .authorization_endpoint = "/v1/authorize",
           .token_endpoint = "/v1/token",
           .authentication = ClientAuthentication::basic},
    Vendor{.name = "OneLoginOauth2",
           .member = kIncluded,
           .authorization_endpoint = "/auth",
           .token_endpoint = "/token"},
    Vendor{.name = "PingOneOauth2",
           .member = kIncluded,
           .authorization_endpoint = "/authorize",
           .token_endpoint = "/token",
           .authentication = ClientAuthentication::basic},
    Vendor{.name = "FacebookOauth2",
           .member = kIncluded,
           .issuer = "https://www.facebook.com",
           .authorization_endpoint = "https://www.facebook.com/v21.0/dialog/oauth",
           .token_endpoint = "https://graph.facebook.com/v21.0/oauth/access_token",
           .scope_separator = ScopeSeparator::comma},
    Vendor{.name = "YandexOauth2",
           .member = kIncluded,
           .issuer = "https://oauth.yandex.com",
           .authorization_endpoint = "https://oauth.yandex.com/authorize",
           .token_endpoint = "https://oauth.yandex.com/token"},
    Vendor{.name = "RedditOauth2",
           .member = kIncluded,
           .issuer = "https://www.reddit.com",
           .authorization_endpoint = "https://www.reddit.com/api/v1/authorize",
           .token_endpoint = "https://www.reddit.com/api/v1/access_token",
           .authentication = ClientAuthentication::basic,
           .authorization_extras = kReddit},
    Vendor{.name = "ZoomOauth2",
           .member = kIncluded,
           .issuer = "https://zoom.us",
           .authorization_endpoint = "https://zoom.us/oauth/authorize",
           .token_endpoint = "https://zoom.us/oauth/token",
           .authentication = ClientAuthentication::basic},
    Vendor{.name = "TwitchOauth2",
           .member = kIncluded,
           .issuer = "https://id.twitch.tv/oauth2",
           .authorization_endpoint = "https://id.twitch.tv/oauth2/authorize",
           .token_endpoint = "https://id.twitch.tv/oauth2/token"},
    Vendor{.name = "SpotifyOauth2",
           .member = kIncluded,
           .issuer = "https://accounts.spotify.com",
           .authorization_endpoint = "https://accounts.spotify.com/authorize",
           .token_endpoint = "https://accounts.spotify.com/api/token",
           .authentication = ClientAuthentication::basic},
    Vendor{.name = "DropboxOauth2",
           .member = kIncluded,
           .issuer = "https://www.dropbox.com",
           .authorization_endpoint = "https://www.dropbox.com/oauth2/authorize",
           .token_endpoint = "https://api.dropboxapi.com/oauth2/token",
           .authorization_extras = kDropbox},
    Vendor{.name = "NotionOauth2",
           .member = kIncluded,
           .issuer = "https://api.notion.com",
           .authorization_endpoint = "https://api.notion.com/v1/oauth/authorize",
           .token_endpoint = "https://api.notion.com/v1/oauth/token",
           .authentication = ClientAuthentication::basic,
           .authorization_extras = kNotion,
           .token_body = TokenBody::json},
    Vendor{.name = "HubspotOauth2",
           .member = kIncluded,
           .issuer = "https://app.hubspot.com",
           .authorization_endpoint = "https://app.hubspot.com/oauth/authorize",
           .token_endpoint = "https://api.hubapi.com/oauth/v1/token"},
    Vendor{.name = "CyberArkOauth2", .member = kIncluded},
    Vendor{.name = "FusionAuthOauth2",
           .member = kIncluded,
           .authorization_endpoint = "/oauth2/authorize",
           .token_endpoint = "/oauth2/token"},
    Vendor{.name = "Auth0Oauth2",
           .member = kIncluded,
           .authorization_endpoint = "/authorize",
           .token_endpoint = "/oauth/token"},
    Vendor{.name = "CognitoOauth2",
           .member = kIncluded,
           .authentication = ClientAuthentication::basic},
};

std::string with_tenant(std::string_view endpoint, const std::string& tenant) {
    std::string out(endpoint);
    constexpr std::string_view kHole = "{tenant}";
    if (const auto at = out.find(kHole); at != std::string::npos)
        out.replace(at, kHole.size(), tenant.empty() ? "common" : tenant);
    return out;
}

}  // namespace

std::span<const Vendor> vendors() {
    return kVendors;
}

const Vendor* find_vendor(std::string_view name) {
    const auto found = std::ranges::find(kVendors, name, &Vendor::name);
    return found == kVendors.end() ? nullptr : &*found;
}

Result<> complete_endpoints(const Vendor& vendor, OauthConfig& config) {
    if (!config.discovery_url.empty()) return {};
    const auto fill = [&](std::string& endpoint, std::string_view known) {
        if (!endpoint.empty() || known.empty()) return;
        if (!known.starts_with('/')) {
            endpoint = with_tenant(known, config.tenant);
            return;
        }
        if (config.issuer.empty()) return;
        endpoint = config.issuer;
        if (endpoint.ends_with('/')) endpoint.pop_back();
        endpoint += known;
    };
    fill(config.issuer, vendor.issuer);
    fill(config.authorization_endpoint, vendor.authorization_endpoint);
    fill(config.token_endpoint, vendor.token_endpoint);
    std::string missing;
    if (config.issuer.empty())
        missing = "issuer";
    else if (config.authorization_endpoint.empty())
        missing = "authorizationEndpoint";
    else if (config.token_endpoint.empty())
        missing = "tokenEndpoint";
    if (!missing.empty())
        return fail(ErrorCode::invalid_argument,
                    fmt::format("{} of {} is missing: every customer of this vendor has their own",
                                missing, vendor.name));
    return {};
}

}  // namespace ac::identity
