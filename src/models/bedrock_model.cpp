#include "models/bedrock_model.h"

#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "models/converse_decoder.h"
#include "models/converse_request.h"
#include "models/json_view.h"
#include "net/event_stream.h"

namespace ac::models {
namespace {

constexpr std::size_t kCountBytesMax = 64 * 1024;

class BedrockChat final : public ChatModel {
  public:
    BedrockChat(std::shared_ptr<Upstream> upstream, KeySource& keys, SignAws sign,
                BedrockOptions options, const Clock& clock)
        : upstream_(std::move(upstream)),
          keys_(keys),
          sign_(std::move(sign)),
          options_(std::move(options)),
          clock_(clock) {}

    Task<std::unique_ptr<ChatStream>> start(const ChatRequest& request,
                                            SteadyTime deadline) override;
    Task<std::int64_t> count_tokens(const ChatRequest& request, SteadyTime deadline) override;

  private:
    Task<HttpAnswer> post(const std::string& model, std::string_view operation,
                          const json::object& body, CallTimes times);

    const std::shared_ptr<Upstream> upstream_;
    KeySource& keys_;
    const SignAws sign_;
    const BedrockOptions options_;
    const Clock& clock_;
};

Task<HttpAnswer> BedrockChat::post(const std::string& model, std::string_view operation,
                                   const json::object& body, CallTimes times) {
    AC_CO_TRY(const Secret secret, co_await keys_.key(options_.key));
    HttpAsk call{.path = "/model/" + percent_encode(model) + std::string(operation),
                 .headers = {},
                 .body = json::serialize(body)};
    call.finish_head = [this, secret](net::RequestHead& head, const std::string& text) {
        const AwsKey key = parse_aws_key(secret->view());
        if (key.id.empty())
            head.headers.add("Authorization", "Bearer " + key.secret);
        else
            sign_(head, sha256_hex(text), key, options_.region, clock_.wall());
    };
    co_return co_await ask(*upstream_, options_.name, std::move(call), times);
}

Task<std::unique_ptr<ChatStream>> BedrockChat::start(const ChatRequest& request,
                                                     SteadyTime deadline) {
    const CallTimes times = times_of(options_.limits, clock_, deadline);
    const json::object body = converse_request(request);
    AC_CO_TRY(auto answer, co_await post(request.model, "/converse-stream", body, times));
    const std::string type = to_lower(answer.head.headers.get("Content-Type"));
    if (!type.starts_with(net::kEventStreamType))
        co_return fail(
            model_failed("model provider " + options_.name + " did not answer an event stream"));
    co_return co_await open_http_stream(options_.name, std::move(answer),
                                        make_converse_decoder(options_.name), times, clock_);
}

Task<std::int64_t> BedrockChat::count_tokens(const ChatRequest& request, SteadyTime deadline) {
    const CallTimes times = times_of(options_.limits, clock_, deadline);
    json::object conversation = converse_request(request);
    for (const char* name : {"inferenceConfig", "outputConfig"}) conversation.erase(name);
    const json::object body{{"input", json::object{{"converse", std::move(conversation)}}}};
    AC_CO_TRY(auto answer, co_await post(request.model, "/count-tokens", body, times));
    AC_CO_TRY(const auto value, co_await read_json(answer, options_.name, kCountBytesMax));
    const auto* object = value.if_object();
    if (object == nullptr || !object->contains("inputTokens"))
        co_return fail(model_failed("model provider " + options_.name + " answered no count"));
    co_return count_in(*object, "inputTokens");
}

}  // namespace

AwsKey parse_aws_key(std::string_view text) {
    const auto first = text.find(':');
    if (first == std::string_view::npos)
        return {.id = {}, .secret = std::string(text), .session_token = {}};
    const auto second = text.find(':', first + 1);
    AwsKey key{.id = std::string(text.substr(0, first)),
               .secret = std::string(text.substr(first + 1, second - first - 1)),
               .session_token = {}};
    if (second != std::string_view::npos) key.session_token = text.substr(second + 1);
    return key;
}

std::unique_ptr<ChatModel> make_bedrock_chat(std::shared_ptr<Upstream> upstream, KeySource& keys,
                                             SignAws sign, BedrockOptions options,
                                             const Clock& clock) {
    return std::make_unique<BedrockChat>(std::move(upstream), keys, std::move(sign),
                                         std::move(options), clock);
}

}  // namespace ac::models
