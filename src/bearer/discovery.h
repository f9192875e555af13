#pragma once
// Metadata documents of authorization servers: OpenID Connect Discovery 1.0 and RFC 8414.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ac::bearer {

struct ServerMetadata {
    std::string issuer;
    std::string jwks_uri;
    std::string authorization_endpoint;  // empty: none
    std::string token_endpoint;          // empty: none
    std::string revocation_endpoint;     // empty: none
    std::string userinfo_endpoint;       // empty: none
    std::vector<std::string> response_types;
    std::vector<std::string> token_auth_methods;  // empty: client_secret_basic (RFC 8414)
    std::vector<std::string> code_challenge_methods;
    bool answers_with_issuer = false;  // RFC 9207
};

// The issuer whose metadata `discovery_url` serves. Without TLS only names that stay at home:
// loopback and private addresses, localhost and names without a dot. invalid_argument: no such
// URL, or its path is none of
//   {issuer}/.well-known/openid-configuration
//   {issuer}/.well-known/oauth-authorization-server
//   {origin}/.well-known/oauth-authorization-server/{path of the issuer}
Result<std::string> issuer_of(std::string_view discovery_url);

// invalid_argument: not such a document, or of another issuer than its place says (OpenID Discovery
// 4.3), or one that leaves TLS. A slash at the end makes no difference, as Auth0 has it; what
// Microsoft serves for tokens of its first version says sts.windows.net of the same tenant.
Result<ServerMetadata> parse_metadata(std::string_view text, std::string_view discovery_url);

}  // namespace ac::bearer
