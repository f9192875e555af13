#pragma once
// The development issuer with what it needs, when the operator has enabled it.

#include <memory>

#include "access/secret_box.h"
#include "async/thread_pool.h"
#include "issuer/issuer.h"
#include "server/config.h"
#include "wire/issuer_front.h"

namespace ac::server {

class Issuing final {
  public:
    // nullptr when it is off. All but `config` outlive it.
    static Result<std::unique_ptr<Issuing>> open(const Config& config, storage::Database& database,
                                                 const Clock& clock, Random& random,
                                                 ThreadPool& pool);

    issuer::Issuer& issuer() { return issuer_; }
    wire::IssuerFront& front() { return *front_; }
    // Once the server's address is known: the issuer's URL is below it, unless configured.
    void open_default(const Config& config, const std::string& server_url);

  private:
    class BoxSealer final : public issuer::Sealer {
      public:
        explicit BoxSealer(access::SecretBox& box) : box_(box) {}
        Result<std::string> seal(std::string_view place, std::string_view plaintext) override;
        Result<SecretBytes> open(std::string_view place, std::string_view sealed) override;

      private:
        access::SecretBox& box_;
    };
    Issuing(std::unique_ptr<access::SecretBox> box, storage::Database& database, const Clock& clock,
            Random& random, ThreadPool& pool);

    std::unique_ptr<access::SecretBox> box_;
    BoxSealer sealer_{*box_};
    issuer::Issuer issuer_;
    std::unique_ptr<wire::IssuerFront> front_;
};

}  // namespace ac::server
