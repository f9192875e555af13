#pragma once
// What the Identity service needs of others, as narrow ports: authorization servers are reached
// through Outside, users' own tokens are checked by UserTokens. server/app.cpp connects them.

#include <string>
#include <string_view>

#include "async/task.h"
#include "base/clock.h"
#include "net/http_message.h"

namespace ac::identity {

struct OutsideRequest {
    std::string method = "GET";
    std::string url;
    net::Headers headers;
    std::string body;
    std::size_t answer_bytes_max = 0;
    Seconds timeout{10};
};

class Outside {
  public:
    virtual ~Outside() = default;
    // The answer whole, whatever its status; redirects are not followed. Errors: invalid_argument
    // (no URL), permission_denied (an address or scheme that is not allowed), unavailable,
    // deadline_exceeded, too_large.
    virtual Task<net::Response> fetch(OutsideRequest request) = 0;
};

struct TokenOwner {
    std::string issuer;
    std::string subject;
};

class UserTokens {
  public:
    virtual ~UserTokens() = default;
    // Whose token it is, once its issuer's signature and its times are proven. unauthenticated.
    virtual Task<TokenOwner> owner_of(std::string token) = 0;
};

}  // namespace ac::identity
