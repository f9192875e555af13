#pragma once
// Decides whether a bearer token lets its holder call something: the token's signature against the
// keys of the issuer that the rules name, its times, its issuer, then the rules. One for runtimes
// and gateways.

#include <boost/json/object.hpp>
#include <memory>
#include <string>

#include "bearer/key_cache.h"
#include "bearer/rules.h"

namespace ac::bearer {

struct TokenHolder {
    std::string issuer;
    std::string subject;  // empty where the token has none
    std::string client;   // empty where the token has none
    boost::json::object claims;
};

// Thread-safe.
class Authorizer final {
  public:
    // All outlive the authorizer.
    Authorizer(KeyCache& keys, const Clock& clock) : keys_(keys), clock_(clock) {}

    // `rules` live until the Task is done. unauthenticated: not a token of that issuer, expired, or
    // against the rules; permission_denied: only the scope is missing; unavailable: the issuer's
    // keys cannot be had.
    Task<TokenHolder> authorize(const Rules& rules, std::string token);

    // The same without rules, for who only wants to know whose token it is.
    Task<TokenHolder> verify(std::string discovery_url, std::string token);

  private:
    KeyCache& keys_;
    const Clock& clock_;
};

// The token of an Authorization header; nullopt when it is of another scheme or malformed
// (RFC 6750 2.1).
std::optional<std::string_view> bearer_token_in(std::string_view authorization);
// The token that a browser, whose WebSockets send no Authorization, offers as a subprotocol:
// "base64UrlBearerAuthorization." and the token in base64url, as AWS takes it.
std::optional<std::string> bearer_token_in_protocols(std::string_view protocols);

}  // namespace ac::bearer
