#pragma once
// A certificate authority of one machine, so that clients that insist on somebody else's host names
// can be served by this one: its owner makes his programs trust it. It can only vouch for names
// below the domains that it was made for and for localhost (X.509 name constraints, RFC 5280
// 4.2.1.10, critical), so that a stolen key is of no use for any other site. Servers' certificates
// are made when a client names their host (SNI) and live in memory.

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "crypto/tls.h"

namespace ac {

struct AuthorityTerms {
    std::string name;                  // "agentcored local authority"
    std::vector<std::string> domains;  // "amazonaws.com": it and all names below
};

struct AuthorityPem {
    std::string certificate;
    std::string key;  // a secret
};

// Valid for ten years from now.
Result<AuthorityPem> make_authority(const AuthorityTerms& terms, const Clock& clock);

// A server under any name below the domains, and under localhost and 127.0.0.1 for who names none.
// A client that names another host is told so (TLS alert unrecognized_name). invalid_argument: the
// PEM texts are not a certificate and its key, or it has expired. `clock` outlives it.
Result<std::unique_ptr<TlsServer>> make_tls_server(const AuthorityPem& authority,
                                                   const AuthorityTerms& terms, const Clock& clock);

}  // namespace ac
