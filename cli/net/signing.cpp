#include "cli/net/signing.h"

#include "sigv4/signer.h"

namespace ac::cli {
namespace {

class SigV4Signer final : public RequestSigner {
  public:
    SigV4Signer(Credentials credentials, std::string region, const Clock& clock)
        : credentials_{.access_key_id = std::move(credentials.access_key_id),
                       .secret = std::move(credentials.secret_access_key),
                       .session_token = std::move(credentials.session_token)},
          region_(std::move(region)),
          clock_(clock) {}

    const std::string& region() const override { return region_; }

    void sign(net::RequestHead& head, std::string_view service,
              std::string_view payload_sha256_hex) override {
        const sigv4::Signing signing{
            .region = region_, .service = std::string(service), .now = clock_.wall()};
        sigv4::sign(head, payload_sha256_hex, credentials_, signing);
    }

  private:
    sigv4::Credentials credentials_;
    std::string region_;
    const Clock& clock_;
};

}  // namespace

std::unique_ptr<RequestSigner> make_sigv4_signer(Credentials credentials, std::string region,
                                                 const Clock& clock) {
    return std::make_unique<SigV4Signer>(std::move(credentials), std::move(region), clock);
}

}  // namespace ac::cli
