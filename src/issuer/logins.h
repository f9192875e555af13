#pragma once
// The authorization endpoint (RFC 6749 4.1 with PKCE, OpenID Connect Core 3.1.2): what a browser
// brings is checked, a login page is asked for, a code is sent to the client's redirect URI.
//
// What the page must bring back travels in a sealed ticket, bound to a cookie of the browser that
// asked for the page, so that nobody logs another one in.

#include <variant>

#include "issuer/grants.h"

namespace ac::issuer {

// Send the browser there.
struct Redirect {
    std::string url;
};

// Show the login page.
struct LoginPage {
    std::string ticket;
    std::string client_name;
    std::string message;  // what was wrong the last time; empty at first
};

using LoginStep = std::variant<Redirect, LoginPage>;

class Logins final {
  public:
    Logins(const IssuerParts& parts, Directory& directory) : parts_(parts), directory_(directory) {}

    // `cookie` is the browser's, at least 16 characters. An Error is for the person in front of it:
    // an unknown client or redirect URI is never redirected to (RFC 9700 4.11).
    Task<LoginStep> begin(Pool pool, Form query, std::string cookie);
    Task<LoginStep> finish(Pool pool, std::string ticket, std::string cookie, std::string name,
                           std::string password);

  private:
    struct Request {
        std::string client;
        std::string redirect_uri;
        std::string scope;
        std::string state;
        std::string nonce;
        std::string challenge;
    };
    Result<std::string> seal(const Pool& pool, const Request& request, std::string_view cookie);
    Result<Request> unseal(const Pool& pool, std::string_view ticket, std::string_view cookie);
    Redirect refuse(const Pool& pool, const Request& request, std::string_view error,
                    std::string_view description) const;

    const IssuerParts& parts_;
    Directory& directory_;
};

// An absolute URI without a fragment: https, http on loopback, or an application's own scheme.
bool may_be_redirect_uri(std::string_view uri);

}  // namespace ac::issuer
