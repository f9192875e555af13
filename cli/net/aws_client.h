#pragma once
// Signed calls to the daemon's public API, and what its errors mean to the user.

#include <boost/json/value.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "cli/failure.h"
#include "cli/net/http_link.h"
#include "cli/net/signing.h"

namespace ac::cli {

inline constexpr std::size_t kDocumentBytesMax = 16 << 20;  // a JSON answer of the control plane

struct Call {
    std::string service = "bedrock-agentcore";  // of the signature's scope
    std::string method;
    std::string target;  // path and query, encoded
    net::Headers headers = {};
    Upload body = {};
    std::string body_sha256 = {};   // of a file; text is hashed here
    std::string bearer_token = {};  // instead of a signature
    Milliseconds timeout{60'000};
    std::size_t answer_bytes_max = kDocumentBytesMax;  // of document()
};

class AwsClient final {
  public:
    // `link` outlives the client.
    AwsClient(HttpLink& link, std::unique_ptr<RequestSigner> signer)
        : link_(link), signer_(std::move(signer)) {}

    HttpLink& link() { return link_; }
    const std::string& region() const { return signer_->region(); }

    // The head of such a call, for who sends it by himself.
    net::RequestHead signed_head(const Call& call);
    // Whatever the status is.
    Expected<std::unique_ptr<Reply>> send(Call call);
    // 2xx, or the service's error as a Failure.
    Expected<std::unique_ptr<Reply>> open(Call call);
    // 2xx with a JSON document (null for an empty body).
    Expected<boost::json::value> document(Call call);

  private:
    HttpLink& link_;
    std::unique_ptr<RequestSigner> signer_;
};

// The error envelopes of rest-json (x-amzn-errortype, {"message"}) and of S3 and STS (XML).
Failure service_failure(const net::ResponseHead& head, std::string_view body);
// "ResourceNotFoundException", "NoSuchBucket"; empty when the response names none.
std::string error_type(const net::ResponseHead& head, std::string_view body);

// text_at(document, "status"): a string member of an object, or "".
std::string text_at(const boost::json::value& value, std::string_view key);
// Member of an object, or null.
const boost::json::value& member_at(const boost::json::value& value, std::string_view key);

}  // namespace ac::cli
