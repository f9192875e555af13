#pragma once
// The development issuer over HTTP. Its own pool is below /issuer, a Cognito pool below
// /issuer/{pool}; where names lead here, also at the hosts that clients build:
// cognito-idp.{region}.amazonaws.com/{pool} and {domain}.auth.{region}.amazoncognito.com.
//
//   GET  .well-known/openid-configuration, .well-known/oauth-authorization-server,
//        .well-known/jwks.json
//   GET  oauth2/authorize    POST login       POST oauth2/token    POST oauth2/revoke
//   GET  oauth2/userInfo (and POST)

#include <memory>
#include <string>

#include "issuer/issuer.h"
#include "net/http_server.h"

namespace ac::wire {

struct IssuerCall {
    std::string request_id;
    std::string base_url;  // "https://host:port"
};

class IssuerFront {
  public:
    virtual ~IssuerFront() = default;
    // Whether the request, which nobody signed, is for the issuer.
    virtual bool takes(const net::RequestHead& head) const = 0;
    virtual Detached serve(net::Exchange& exchange, IssuerCall call) = 0;
};

// Both outlive the front.
std::unique_ptr<IssuerFront> make_issuer_front(issuer::Issuer& issuer, Random& random);

}  // namespace ac::wire
