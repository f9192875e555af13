#pragma once
// What is sent to an authorization server, as pure functions: the URL that a user's browser opens
// (RFC 6749 4.1.1, PKCE of RFC 7636) and the forms of the token endpoint (RFC 6749, 8693, 7523,
// resource indicators of 8707).

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/limits.h"
#include "identity/outside.h"
#include "identity/types.h"
#include "identity/vendors.h"

namespace ac::identity {

// Where an authorization server is and what it said about itself.
struct ServerMetadata {
    std::string issuer;
    std::string authorization_endpoint;
    std::string token_endpoint;
    std::vector<std::string> token_auth_methods;
    std::vector<std::string> challenge_methods;  // empty: it did not say
    bool names_issuer = false;                   // RFC 9207: its answers carry "iss"
};

// What is asked for, whatever the flow.
struct Wish {
    std::vector<std::string> scopes;
    std::vector<std::string> resources;
    std::vector<std::string> audiences;
};

struct AuthorizationRequest {
    std::string redirect_uri;
    std::string state;
    std::string verifier;  // PKCE; only its hash is sent
    std::map<std::string, std::string> custom_parameters;
};

// Custom parameters never replace those of the protocol.
std::string authorization_url(const ServerMetadata& server, const Vendor& vendor,
                              const OauthConfig& config, const Wish& wish,
                              const AuthorizationRequest& request);

struct Parameter {
    std::string name;
    std::string value;
};
using Parameters = std::vector<Parameter>;

Parameters client_credentials_grant(const Vendor& vendor, const Wish& wish);
Parameters code_grant(std::string_view code, std::string_view redirect_uri,
                      std::string_view verifier);
Parameters refresh_grant(std::string_view refresh_token);
Parameters token_exchange_grant(const Wish& wish, std::string_view subject_token,
                                std::string_view actor_token);
Parameters jwt_bearer_grant(const Vendor& vendor, const Wish& wish, std::string_view assertion);

// The request to the token endpoint, the client's authentication included.
OutsideRequest token_request(const ServerMetadata& server, const Vendor& vendor,
                             const OauthConfig& config, std::string_view client_secret,
                             Parameters parameters, const IdentityLimits& limits);

// base64url of SHA-256: PKCE's S256.
std::string code_challenge(std::string_view verifier);

// `url` with query parameters added in the right place.
std::string with_query(std::string_view url, const Parameters& parameters);

}  // namespace ac::identity
