#pragma once
// The nouns of the development issuer. A Pool is one OpenID provider: its issuer URL, keys, clients
// and users. The pool "default" belongs to the daemon; the others are Cognito user pools.

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "crypto/secret_bytes.h"
#include "crypto/signature.h"

namespace ac::issuer {

namespace json = boost::json;

inline constexpr std::string_view kDefaultPool = "default";

struct Pool {
    std::string id;
    Scope scope;
    std::string name;
    std::string url;     // what tokens have as "iss"
    std::string domain;  // Cognito's prefix; empty: none
    SignatureAlgorithm algorithm = SignatureAlgorithm::es256;
    json::object document;  // the rest of its input, in the caller's notation
    WallTime created_at;
    bool is_cognito() const { return id != kDefaultPool; }
};

struct Client {
    std::string pool;
    std::string id;
    std::string name;
    std::string secret_hash;  // SHA-256, hex; empty: a public client
    std::string secret_sealed;
    std::vector<std::string> redirect_uris;
    std::vector<std::string> scopes;
    std::vector<std::string> audiences;
    std::vector<std::string> grants;  // "client_credentials", "authorization_code", ...
    Seconds access_life{3600};
    Seconds refresh_life{30LL * 86'400};
    json::object document;
    WallTime created_at;

    bool may(std::string_view grant) const {
        for (const std::string& one : grants)
            if (one == grant) return true;
        return false;
    }
};

struct User {
    std::string pool;
    std::string name;
    std::string id;             // "sub", a UUID
    std::string password_hash;  // empty: cannot log in
    json::object attributes;    // "email", "name", ...
    bool must_change_password = false;
    WallTime created_at;
};

// What a user granted a client at one login; refresh tokens of it are a family.
struct Grant {
    std::string pool;
    std::string family;
    std::string client;
    std::string user;  // "sub"
    std::string user_name;
    std::string scope;
    std::string nonce;
    WallTime authenticated_at;
};

struct Code {
    Grant grant;
    std::string redirect_uri;
    std::string challenge;
    WallTime expires_at;
};

struct RefreshToken {
    Grant grant;
    WallTime expires_at;
};

// Errors of OAuth are told in its own words: Error::reason holds "invalid_grant" and the like.
std::unexpected<Error> oauth_error(std::string_view reason, std::string message);

}  // namespace ac::issuer
