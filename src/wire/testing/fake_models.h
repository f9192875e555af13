#pragma once
// A ModelService that answers what a test tells it to, and remembers what it was asked.

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "async/completion.h"
#include "models/service.h"

namespace ac::wire::testing {

class FakeStream final : public models::ChatStream {
  public:
    FakeStream(std::deque<models::ChatEvent> events, std::optional<Error> error, bool hangs,
               int& alive)
        : events_(std::move(events)), error_(std::move(error)), hangs_(hangs), alive_(alive) {
        ++alive_;
    }
    ~FakeStream() override { --alive_; }
    Task<std::optional<models::ChatEvent>> next() override {
        using Event = std::optional<models::ChatEvent>;
        if (!events_.empty()) {
            Event event = std::move(events_.front());
            events_.pop_front();
            co_return event;
        }
        if (hangs_) {
            AC_CO_CHECK(co_await never_.cancellable_result());
        }
        if (error_) co_return fail(*error_);
        co_return Event();
    }
    bool is_ready() const override { return !events_.empty(); }

  private:
    std::deque<models::ChatEvent> events_;
    std::optional<Error> error_;
    bool hangs_;
    int& alive_;
    Completion<void> never_;
};

class FakeModels final : public models::ModelService {
  public:
    Task<std::unique_ptr<models::ChatStream>> start(models::ChatRequest request,
                                                    models::Caller caller) override {
        requests.push_back(std::move(request));
        callers.push_back(std::move(caller));
        if (refusal) co_return fail(*refusal);
        co_return std::make_unique<FakeStream>(events, error, hangs, streams_alive);
    }
    Task<models::Embeddings> embed(models::EmbedRequest request, models::Caller) override {
        embed_requests.push_back(request);
        if (refusal) co_return fail(*refusal);
        models::Embeddings out{.vectors = {}, .input_tokens = 7};
        for (std::size_t i = 0; i < request.texts.size(); ++i)
            out.vectors.push_back({0.6F, -0.8F, 0.0F});
        co_return out;
    }
    Task<std::int64_t> count_tokens(models::ChatRequest request, models::Caller) override {
        requests.push_back(std::move(request));
        co_return 42;
    }
    std::vector<models::ModelInfo> models() const override { return known; }
    Result<models::ModelInfo> resolve(std::string_view id,
                                      models::ModelInfo::Kind kind) const override {
        return models::ModelInfo{
            .id = std::string(id), .provider = "fake", .upstream = "x", .kind = kind};
    }

    // "Hello" as two pieces.
    static std::deque<models::ChatEvent> hello() {
        using namespace models;
        return {
            MessageStart{},
            BlockStart{},
            BlockDelta{.index = 0, .delta = TextDelta{"Hel"}},
            BlockDelta{.index = 0, .delta = TextDelta{"lo"}},
            BlockStop{},
            MessageStop{},
            Metadata{.usage = {.input_tokens = 3, .output_tokens = 2}, .latency = Milliseconds{5}}};
    }
    // One call of the tool "weather".
    static std::deque<models::ChatEvent> tool_call() {
        using namespace models;
        return {MessageStart{},
                BlockStart{.index = 0,
                           .kind = BlockStart::Kind::tool_use,
                           .tool_use_id = "call_1",
                           .tool_name = "weather"},
                BlockDelta{.index = 0, .delta = ToolInputDelta{"{\"city\":"}},
                BlockDelta{.index = 0, .delta = ToolInputDelta{"\"Seoul\"}"}},
                BlockStop{},
                MessageStop{.reason = StopReason::tool_use},
                Metadata{.usage = {.input_tokens = 9, .output_tokens = 4}}};
    }

    std::deque<models::ChatEvent> events = hello();
    std::optional<Error> refusal;  // of start() and embed()
    std::optional<Error> error;    // after the events
    bool hangs = false;            // after the events
    int streams_alive = 0;
    std::vector<models::ModelInfo> known;
    std::vector<models::ChatRequest> requests;
    std::vector<models::Caller> callers;
    std::vector<models::EmbedRequest> embed_requests;
};

}  // namespace ac::wire::testing
