#pragma once
// The model APIs that are not AWS's, for programs written for them: OpenAI's (/v1/chat/completions,
// /v1/embeddings, /v1/models) and Anthropic's (/v1/messages, /v1/messages/count_tokens,
// /v1/models), each also below /openai and /anthropic. Callers are known already.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "models/service.h"
#include "net/http_server.h"
#include "wire/api.h"
#include "wire/gate.h"

namespace ac::wire {

class ModelFront {
  public:
    virtual ~ModelFront() = default;
    // Always answers. Ends with the operation's name, for metrics.
    virtual asio::awaitable<std::string_view, Executor> serve(net::Exchange& exchange,
                                                              CallContext context,
                                                              net::Body& body) = 0;
    // In the envelope of the API that the path belongs to.
    virtual Detached serve_error(net::Exchange& exchange, std::string request_id, Error error) = 0;
};

// Whether a path (without the query) is one of theirs.
bool is_model_front_path(std::string_view path);
// "Authorization: Bearer KEY" (OpenAI) or "x-api-key: KEY" (Anthropic).
std::optional<std::string> api_key_in(const net::Headers& headers);

// A call counts as that of Bedrock which does the same: `gate` is asked for bedrock:InvokeModel and
// its like. All outlive the front.
std::unique_ptr<ModelFront> make_model_front(models::ModelService& models, const Gate& gate,
                                             Random& random);

}  // namespace ac::wire
