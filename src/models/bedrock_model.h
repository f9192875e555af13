#pragma once
// Amazon Bedrock itself: the request is written anew and signed with the operator's key, never with
// the caller's.

#include <functional>
#include <memory>

#include "models/chat.h"
#include "models/key_source.h"
#include "models/upstream.h"

namespace ac::models {

// What a key file of this provider holds: an access key as ID:SECRET or ID:SECRET:SESSION_TOKEN, or
// one Bedrock API key, which is sent as a bearer token.
struct AwsKey {
    std::string id;  // empty: an API key
    std::string secret;
    std::string session_token;
};
AwsKey parse_aws_key(std::string_view text);

// Adds the headers of SigV4. `body_sha256` is lower case hex.
using SignAws = std::function<void(net::RequestHead& head, std::string_view body_sha256,
                                   const AwsKey& key, const std::string& region, WallTime now)>;

struct BedrockOptions {
    std::string name;  // the provider's, for messages
    std::string key;   // for KeySource
    std::string region;
    ProviderLimits limits;
};

// `keys` and `clock` outlive the model.
std::unique_ptr<ChatModel> make_bedrock_chat(std::shared_ptr<Upstream> upstream, KeySource& keys,
                                             SignAws sign, BedrockOptions options,
                                             const Clock& clock);

}  // namespace ac::models
