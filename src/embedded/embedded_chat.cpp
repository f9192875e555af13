#include "embedded/embedded_chat.h"

#include <algorithm>

#include "embedded/forced_tool.h"

namespace ac::embedded {
namespace {

using models::ChatEvent;
using models::ChatRequest;
using models::ChatStream;

bool uses_tools(const models::Message& message) {
    return std::ranges::any_of(message.content, [](const models::ContentBlock& block) {
        return std::holds_alternative<models::ToolUseBlock>(block) ||
               std::holds_alternative<models::ToolResultBlock>(block);
    });
}

// Calls of tools since somebody last said something else.
int tool_rounds(const std::vector<models::Message>& messages) {
    int rounds = 0;
    for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
        if (!uses_tools(*message)) break;
        if (message->role == models::Role::assistant) ++rounds;
    }
    return rounds;
}

class HeldStream final : public ChatStream {
  public:
    // `is_own_bound`: the caller set no bound on the answer, with_defaults() did.
    HeldStream(LlamaServer::Use use, std::unique_ptr<ChatStream> inner, bool is_own_bound)
        : use_(std::move(use)), inner_(std::move(inner)), is_own_bound_(is_own_bound) {}

    Task<std::optional<ChatEvent>> next() override {
        auto event = co_await inner_->next();
        if (event && *event) **event = without_own_bound(std::move(**event), is_own_bound_);
        co_return event;
    }
    bool is_ready() const override { return inner_->is_ready(); }

  private:
    LlamaServer::Use use_;  // outlives the connection
    std::unique_ptr<ChatStream> inner_;
    const bool is_own_bound_;
};

class EmbeddedChat final : public models::ChatModel {
  public:
    EmbeddedChat(LlamaServer& server, std::unique_ptr<models::ChatModel> client,
                 EmbeddedChatDefaults defaults)
        : server_(server), client_(std::move(client)), defaults_(std::move(defaults)) {}

    Task<std::unique_ptr<ChatStream>> start(const ChatRequest& request,
                                            SteadyTime deadline) override {
        AC_CO_TRY(LlamaServer::Use use, co_await server_.use(deadline));
        const bool is_own_bound = !request.inference.max_tokens;
        ChatRequest complete = request;
        auto forced = force_tool(complete);
        if (forced && is_own_bound) complete.inference.max_tokens = defaults_.call_tokens_max;
        complete = with_defaults(std::move(complete), defaults_);
        AC_CO_TRY(auto inner, co_await client_->start(complete, deadline));
        if (forced) inner = as_tool_call(std::move(inner), std::move(*forced));
        co_return std::make_unique<HeldStream>(std::move(use), std::move(inner), is_own_bound);
    }

    // An estimate needs no server.
    Task<std::int64_t> count_tokens(const ChatRequest& request, SteadyTime) override {
        co_return models::estimate_tokens(request);
    }

  private:
    LlamaServer& server_;
    const std::unique_ptr<models::ChatModel> client_;
    const EmbeddedChatDefaults defaults_;
};

}  // namespace

ChatRequest with_defaults(ChatRequest request, const EmbeddedChatDefaults& defaults) {
    models::InferenceConfig& inference = request.inference;
    if (!inference.max_tokens) inference.max_tokens = defaults.max_tokens;
    // JSON copies from the prompt, which a penalty for repetition would spoil.
    const bool wants_json = request.output_format.has_value();
    if (!inference.temperature && !inference.top_p) {
        inference.temperature = wants_json ? 0 : defaults.temperature;
        inference.top_p = defaults.top_p;
    }
    if (!wants_json && !request.additional_fields.contains("repeat_penalty"))
        request.additional_fields["repeat_penalty"] = defaults.repeat_penalty;
    if (!request.tools.empty() && tool_rounds(request.messages) >= defaults.tool_rounds_max) {
        request.tools.clear();
        request.tool_choice.reset();
        tools_as_text(request);
    }
    if (request.system.empty()) request.system.emplace_back(models::TextBlock{defaults.system});
    return request;
}

ChatEvent without_own_bound(ChatEvent event, bool is_own_bound) {
    auto* const stop = std::get_if<models::MessageStop>(&event);
    if (is_own_bound && stop != nullptr && stop->reason == models::StopReason::max_tokens)
        stop->reason = models::StopReason::end_turn;
    return event;
}

std::unique_ptr<models::ChatModel> make_embedded_chat(LlamaServer& server,
                                                      std::unique_ptr<models::ChatModel> client,
                                                      EmbeddedChatDefaults defaults) {
    return std::make_unique<EmbeddedChat>(server, std::move(client), std::move(defaults));
}

}  // namespace ac::embedded
