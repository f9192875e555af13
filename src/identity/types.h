#pragma once
// The nouns of the Identity service. A Workload is an agent's identity; a Provider is where a
// credential comes from (an API key kept here, or an OAuth2 authorization server); a User is whom a
// workload acts for; a Grant is what a user gave a workload at a provider.

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "crypto/secret_bytes.h"

namespace ac::identity {

namespace json = boost::json;

using Tags = std::map<std::string, std::string>;

inline constexpr std::string_view kDefaultVault = "default";
// A tag by which a credential ends by itself; its value is an RFC 3339 time.
inline constexpr std::string_view kExpiryTag = "agentcore:expires-at";

struct Workload {
    std::string name;
    std::vector<std::string> return_urls;
    WallTime created_at;
    WallTime updated_at;
};

enum class ProviderKind { api_key, oauth2 };
std::string_view to_string(ProviderKind kind);  // "apikey", "oauth2"

enum class ClientAuthentication { basic, post };
enum class ExchangeGrant { none, token_exchange, jwt_bearer };
enum class ActorToken { none, m2m };

// How to speak with an authorization server, as its provider was configured.
struct OauthConfig {
    std::string vendor;  // "GithubOauth2"
    std::string client_id;
    std::string discovery_url;  // empty: the endpoints are given
    std::string issuer;
    std::string authorization_endpoint;
    std::string token_endpoint;
    std::vector<std::string> response_types;
    std::vector<std::string> token_auth_methods;
    std::optional<ClientAuthentication> authentication;
    ExchangeGrant exchange = ExchangeGrant::none;
    ActorToken actor = ActorToken::none;
    std::vector<std::string> actor_scopes;
    std::string tenant;
};
json::object to_json(const OauthConfig& config);
OauthConfig oauth_config_from(const json::object& document);  // of our own storage

struct Provider {
    ProviderKind kind = ProviderKind::api_key;
    std::string name;
    OauthConfig oauth;     // of ProviderKind::oauth2
    std::string callback;  // what its callback URL ends with; oauth2
    std::optional<WallTime> expires_at;
    std::int64_t revision = 0;
    std::string sealed;  // the API key or client secret
    WallTime created_at;
    WallTime updated_at;
};

// For whom a workload acts, so that no two are the same by accident: "" (itself), "id/<user id>",
// "jwt/<issuer>/<subject>", each part percent-encoded.
class UserKey final {
  public:
    UserKey() = default;
    static UserKey of_id(std::string_view user_id);
    static UserKey of_jwt(std::string_view issuer, std::string_view subject);
    static UserKey stored(std::string text);
    const std::string& text() const { return text_; }
    bool is_nobody() const { return text_.empty(); }
    friend bool operator==(const UserKey&, const UserKey&) = default;

  private:
    std::string text_;
};

// What a workload access token says.
struct WorkloadClaims {
    Scope scope;
    std::string workload;
    UserKey user;
    SecretBytes user_token;  // the user's own token, where the workload was given it
    WallTime expires_at;
};

// Who did something, for the audit log: the caller's ARN.
struct Caller {
    Scope scope;
    std::string principal;
    std::string request_id;
};

struct PageRequest {
    std::optional<int> items_max;
    std::string token;  // empty: from the start
};
template <class Item>
struct Page {
    std::vector<Item> items;
    std::string next_token;  // empty: that was all
};

enum class VaultKeyType { service, customer };
struct VaultView {
    std::string id{kDefaultVault};
    VaultKeyType key_type = VaultKeyType::service;
    std::string kms_key_arn;
    WallTime modified_at;
};

std::string workload_arn(const Scope& scope, std::string_view name);
std::string provider_arn(const Scope& scope, ProviderKind kind, std::string_view name);
// The name under which AWS would keep the secret; nothing listens there.
std::string secret_arn(const Scope& scope, ProviderKind kind, std::string_view name);

}  // namespace ac::identity
