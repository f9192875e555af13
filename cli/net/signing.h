#pragma once
// AWS Signature Version 4 for the requests of this program.

#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "net/http_message.h"

namespace ac::cli {

struct Credentials {
    std::string access_key_id;
    std::string secret_access_key;  // never printed
    std::string session_token = {};
};

class RequestSigner {
  public:
    virtual ~RequestSigner() = default;
    virtual const std::string& region() const = 0;
    // Adds X-Amz-Date, X-Amz-Content-Sha256 and Authorization. Every header that is to be signed,
    // Host among them, must be there already.
    virtual void sign(net::RequestHead& head, std::string_view service,
                      std::string_view payload_sha256_hex) = 0;
};

// `clock` outlives the signer.
std::unique_ptr<RequestSigner> make_sigv4_signer(Credentials credentials, std::string region,
                                                 const Clock& clock);

}  // namespace ac::cli
