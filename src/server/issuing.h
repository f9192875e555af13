#pragma once
// The development issuer with what it needs, when the operator has enabled it.

#include <memory>

#include "issuer/issuer.h"
#include "server/config.h"
#include "wire/issuer_front.h"

namespace ac::server {

class Issuing final {
  public:
    // nullptr when it is off. All but `config` outlive it.
    static std::unique_ptr<Issuing> open(const Config& config, issuer::IssuerParts parts);

    issuer::Issuer& issuer() { return issuer_; }
    wire::IssuerFront& front() { return *front_; }
    // Once the server's address is known: the issuer's URL is below it, unless configured.
    void open_default(const Config& config, const std::string& server_url);

  private:
    explicit Issuing(issuer::IssuerParts parts);

    issuer::Issuer issuer_;
    std::unique_ptr<wire::IssuerFront> front_;
};

}  // namespace ac::server
