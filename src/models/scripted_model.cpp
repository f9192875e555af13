#include "models/scripted_model.h"

#include <boost/json/serialize.hpp>
#include <cmath>
#include <mutex>

#include "base/encoding.h"
#include "models/event_queue.h"

namespace ac::models {
namespace {

// What a rule makes of a request, before any time passes.
std::vector<ChatEvent> events_of(const ScriptRule& rule, const ChatRequest& request) {
    EventQueue queue;
    queue.start_message();
    std::int64_t bytes = 0;
    for (const ScriptStep& step : rule.answer) {
        if (const auto* text = std::get_if<TextBlock>(&step)) {
            const std::string expanded = expand(text->text, request);
            bytes += static_cast<std::int64_t>(expanded.size());
            for (const std::string_view piece : chunks_of(expanded, rule.chunk_bytes))
                queue.text(piece);
            queue.end_block();
        } else if (const auto* reasoning = std::get_if<ScriptReasoning>(&step)) {
            for (const std::string_view piece : chunks_of(reasoning->text, rule.chunk_bytes))
                queue.reasoning({.text = std::string(piece)});
            queue.reasoning({.signature = reasoning->signature});
            queue.end_block();
        } else {
            const auto& tool = std::get<ScriptTool>(step);
            std::string id = tool.id;
            if (id.empty())
                id = "tooluse_" + std::to_string(turn_of(request)) + "_" +
                     std::to_string(queue.tools() + 1);
            queue.start_tool(std::move(id), tool.name);
            const std::string input = expand(json::serialize(tool.input), request);
            bytes += static_cast<std::int64_t>(input.size());
            const std::size_t chunk = rule.chunk_bytes > 0 ? rule.chunk_bytes : 16;
            for (const std::string_view piece : chunks_of(input, chunk)) queue.tool_input(piece);
            queue.end_block();
        }
    }
    const StopReason natural = queue.tools() > 0 ? StopReason::tool_use : StopReason::end_turn;
    queue.stop({.reason = rule.stop_reason.value_or(natural)});
    const Usage counted{.input_tokens = estimate_tokens(request), .output_tokens = (bytes + 3) / 4};
    queue.metadata(rule.usage.value_or(counted));
    std::vector<ChatEvent> events;
    while (auto event = queue.take()) events.push_back(*std::move(event));
    return events;
}

class ScriptedStream final : public ChatStream {
  public:
    ScriptedStream(const ScriptRule& rule, std::vector<ChatEvent> events, Timer& timer,
                   SteadyTime deadline)
        : events_(std::move(events)),
          delay_(rule.delay),
          breaks_(rule.breaks),
          break_at_(rule.breaks == ScriptRule::Break::nothing ? 1 : events_.size() / 2),
          timer_(timer),
          deadline_(deadline) {}

    Task<std::optional<ChatEvent>> next() override;
    bool is_ready() const override {
        return delay_ == Milliseconds{0} && at_ < events_.size() && !is_broken_here();
    }

  private:
    bool is_broken_here() const { return breaks_ != ScriptRule::Break::none && at_ >= break_at_; }
    Task<std::optional<ChatEvent>> break_off();

    std::vector<ChatEvent> events_;
    const Milliseconds delay_;
    const ScriptRule::Break breaks_;
    const std::size_t break_at_;
    Timer& timer_;
    const SteadyTime deadline_;
    std::size_t at_ = 0;
};

Task<std::optional<ChatEvent>> ScriptedStream::break_off() {
    if (breaks_ == ScriptRule::Break::hang) {
        AC_CO_CHECK(co_await timer_.sleep_until(deadline_));
        co_return fail(ErrorCode::deadline_exceeded, "the model took too long");
    }
    if (breaks_ == ScriptRule::Break::garbage)
        co_return fail(model_failed("the model answered garbage"));
    co_return fail(model_failed("the model's answer broke off"));
}

Task<std::optional<ChatEvent>> ScriptedStream::next() {
    if (is_broken_here()) co_return co_await break_off();
    if (at_ >= events_.size()) co_return std::optional<ChatEvent>();
    const bool pauses =
        delay_ > Milliseconds{0} && std::holds_alternative<BlockDelta>(events_[at_]);
    if (pauses) {
        AC_CO_CHECK(co_await sleep_for(timer_, delay_));
    }
    if (timer_.clock().steady() >= deadline_)
        co_return fail(ErrorCode::deadline_exceeded, "the model took too long");
    co_return std::move(events_[at_++]);
}

class ScriptedModel final : public ChatModel {
  public:
    ScriptedModel(Script script, Timer& timer)
        : rules_(std::move(script.rules)), timer_(timer), uses_(rules_.size()) {}

    Task<std::unique_ptr<ChatStream>> start(const ChatRequest& request,
                                            SteadyTime deadline) override;
    Task<std::int64_t> count_tokens(const ChatRequest& request, SteadyTime) override {
        co_return estimate_tokens(request);
    }

  private:
    const ScriptRule* take_rule(const ChatRequest& request);

    const std::vector<ScriptRule> rules_;
    Timer& timer_;
    std::mutex mutex_;
    std::vector<std::int64_t> uses_;
};

const ScriptRule* ScriptedModel::take_rule(const ChatRequest& request) {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        if (!matches(rules_[i].when, request)) continue;
        const std::lock_guard lock(mutex_);
        if (rules_[i].times > 0 && uses_[i] >= rules_[i].times) continue;
        ++uses_[i];
        return &rules_[i];
    }
    return nullptr;
}

Task<std::unique_ptr<ChatStream>> ScriptedModel::start(const ChatRequest& request,
                                                       SteadyTime deadline) {
    const ScriptRule* rule = take_rule(request);
    if (rule == nullptr) co_return fail(model_failed("no rule of the script matches this request"));
    if (rule->first_delay > Milliseconds{0}) {
        const SteadyTime due = timer_.clock().steady() + rule->first_delay;
        AC_CO_CHECK(co_await timer_.sleep_until(std::min(due, deadline)));
        if (due > deadline) co_return fail(ErrorCode::deadline_exceeded, "the model took too long");
    }
    if (rule->error) co_return fail(*rule->error);
    co_return std::make_unique<ScriptedStream>(*rule, events_of(*rule, request), timer_, deadline);
}

std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 14695981039346656037ULL;
    for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211ULL;
    return hash;
}

class ScriptedEmbedder final : public Embedder {
  public:
    ScriptedEmbedder(std::string model, std::size_t dimensions)
        : model_(std::move(model)), dimensions_(dimensions) {}

    const std::string& model() const override { return model_; }
    std::size_t dimensions() const override { return dimensions_; }
    Task<Embeddings> embed(const EmbedRequest& request, SteadyTime) override {
        Embeddings out;
        const std::size_t dimensions = request.dimensions.value_or(dimensions_);
        for (const std::string& text : request.texts) {
            out.vectors.push_back(vector_of(text, dimensions));
            out.input_tokens += static_cast<std::int64_t>(text.size() / 4 + 1);
        }
        co_return out;
    }

  private:
    static std::vector<float> vector_of(const std::string& text, std::size_t dimensions) {
        std::vector<float> out(dimensions);
        const std::string lower = to_lower(text);
        for (const std::string_view word : chunks_of(lower, 0)) {
            const std::uint64_t hash = fnv1a(trim(word));
            out[hash % dimensions] += (hash >> 63) != 0 ? 1.0F : -1.0F;
        }
        float norm = 0;
        for (const float x : out) norm += x * x;
        if (norm > 0)
            for (float& x : out) x /= std::sqrt(norm);
        return out;
    }

    const std::string model_;
    const std::size_t dimensions_;
};

}  // namespace

std::unique_ptr<ChatModel> make_scripted_model(Script script, Timer& timer) {
    return std::make_unique<ScriptedModel>(std::move(script), timer);
}

std::unique_ptr<Embedder> make_scripted_embedder(std::string model, std::size_t dimensions) {
    return std::make_unique<ScriptedEmbedder>(std::move(model), dimensions);
}

}  // namespace ac::models
