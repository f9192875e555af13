#include "models/anthropic_model.h"

#include <array>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "models/anthropic_decoder.h"
#include "models/anthropic_request.h"
#include "models/json_view.h"
#include "models/limits.h"

namespace ac::models {
namespace {

constexpr std::size_t kCountBytesMax = 64 * 1024;

class AnthropicChat final : public ChatModel {
  public:
    AnthropicChat(std::shared_ptr<Upstream> upstream, KeySource& keys, AnthropicOptions options,
                  const Clock& clock)
        : upstream_(std::move(upstream)),
          keys_(keys),
          options_(std::move(options)),
          clock_(clock) {}

    Task<std::unique_ptr<ChatStream>> start(const ChatRequest& request,
                                            SteadyTime deadline) override;
    Task<std::int64_t> count_tokens(const ChatRequest& request, SteadyTime deadline) override;

  private:
    // Headers that go beside the key come from the request, as on Bedrock: anthropic_beta.
    Task<HttpAnswer> post(std::string path, json::object body, CallTimes times);

    const std::shared_ptr<Upstream> upstream_;
    KeySource& keys_;
    const AnthropicOptions options_;
    const Clock& clock_;
};

std::string betas_of(const json::value& value) {
    if (value.is_string()) return std::string(value.get_string());
    std::string out;
    if (const auto* list = value.if_array()) {
        for (const json::value& item : *list) {
            if (!item.is_string()) continue;
            if (!out.empty()) out += ",";
            out += item.get_string();
        }
    }
    return out;
}

Task<HttpAnswer> AnthropicChat::post(std::string path, json::object body, CallTimes times) {
    AC_CO_TRY(const Secret key, co_await keys_.key(options_.key));
    HttpAsk call{.path = std::move(path), .headers = {}, .body = {}};
    call.headers.add("x-api-key", std::string(key->view()));
    call.headers.add("anthropic-version", "2023-06-01");
    if (const auto* betas = body.if_contains("anthropic_beta"))
        call.headers.add("anthropic-beta", betas_of(*betas));
    body.erase("anthropic_beta");
    body.erase("anthropic_version");
    call.body = json::serialize(body);
    co_return co_await ask(*upstream_, options_.name, std::move(call), times);
}

Task<std::unique_ptr<ChatStream>> AnthropicChat::start(const ChatRequest& request,
                                                       SteadyTime deadline) {
    const CallTimes times = times_of(options_.limits, clock_, deadline);
    AC_CO_TRY(auto body, anthropic_request(request));
    body["stream"] = true;
    AC_CO_TRY(auto answer, co_await post("/v1/messages", std::move(body), times));
    const std::string type = to_lower(answer.head.headers.get("Content-Type"));
    if (!type.starts_with("text/event-stream"))
        co_return fail(
            model_failed("model provider " + options_.name + " did not answer an event stream"));
    co_return co_await open_http_stream(options_.name, std::move(answer),
                                        make_anthropic_decoder(options_.name), times, clock_);
}

Task<std::int64_t> AnthropicChat::count_tokens(const ChatRequest& request, SteadyTime deadline) {
    const CallTimes times = times_of(options_.limits, clock_, deadline);
    AC_CO_TRY(auto body, anthropic_request(request));
    for (const char* name :
         {"max_tokens", "temperature", "top_p", "stop_sequences", "output_config"})
        body.erase(name);
    AC_CO_TRY(auto answer, co_await post("/v1/messages/count_tokens", std::move(body), times));
    AC_CO_TRY(const auto value, co_await read_json(answer, options_.name, kCountBytesMax));
    const auto* object = value.if_object();
    if (object == nullptr || !object->contains("input_tokens"))
        co_return fail(model_failed("model provider " + options_.name + " answered no count"));
    co_return count_in(*object, "input_tokens");
}

}  // namespace

std::unique_ptr<ChatModel> make_anthropic_chat(std::shared_ptr<Upstream> upstream, KeySource& keys,
                                               AnthropicOptions options, const Clock& clock) {
    return std::make_unique<AnthropicChat>(std::move(upstream), keys, std::move(options), clock);
}

}  // namespace ac::models
