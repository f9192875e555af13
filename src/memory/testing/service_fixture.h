#pragma once
// For tests: a Memory service over a database of its own, whose time stands still and whose
// background work is done when the test says so.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "async/manual_timer.h"
#include "async/run.h"
#include "memory/memory_service.h"
#include "storage/testing/temporary_folder.h"

namespace ac::memory::testing {

inline constexpr std::int64_t kNoon = 1'700'000'000'000;

inline json::array payload_of(const std::string& text, const std::string& role = "USER") {
    json::array out;
    out.push_back(json::parse(R"({"conversational":{"role":")" + role + R"(","content":{"text":)" +
                              json::serialize(json::value(text)) + "}}}"));
    return out;
}

class ServiceFixture : public ::testing::Test {
  protected:
    ServiceFixture() { open(); }

    void open() {
        service_.reset();
        database_.reset();
        database_ = *storage::open_sqlite({.path = (folder_.path() / "test.db").string()});
        ASSERT_TRUE(await(database_->migrate(MemoryService::migrations())));
        service_ = std::make_unique<MemoryService>(
            MemoryService::Dependencies{.database = *database_,
                                        .pool = pool_,
                                        .timer = timer_,
                                        .random = random_,
                                        .limits = limits_,
                                        .embedder = embedder_,
                                        .engine = engine_,
                                        .model = model_,
                                        .target = target_,
                                        .graphs_folder = graphs_folder_});
    }
    template <class T>
    Result<T> await(Task<T> task) {
        return run_on(loop_, std::move(task));
    }

    static Strategy strategy(std::string name, StrategyKind kind) {
        return {.name = name,
                .type = "SEMANTIC",
                .kind = kind,
                .namespace_template = "/" + name + "/{actorId}"};
    }
    Memory create(std::string name, std::vector<Strategy> strategies = {}) {
        auto made = await(service_->memories().create(
            scope_,
            {.name = std::move(name), .expiry_days = 7, .strategies = std::move(strategies)}));
        EXPECT_TRUE(made) << made.error().message;
        return *made;
    }
    NewEvent event(const Memory& memory, std::int64_t time, std::string text,
                   std::string session = "s1") {
        return {.address = {memory.id, ActorId("kim"), SessionId(std::move(session))},
                .time = from_epoch_ms(time),
                .payload = payload_of(text)};
    }
    Event add(NewEvent wanted) {
        auto made = await(service_->events().create(scope_, std::move(wanted)));
        EXPECT_TRUE(made) << made.error().message;
        return made ? *made : Event();
    }
    static std::string text_of(const Event& event) {
        return json::value_to<std::string>(
            event.payload.at(0).at_pointer("/conversational/content/text"));
    }
    std::vector<std::string> texts(EventQuery query) {
        auto page = await(service_->events().list(scope_, std::move(query)));
        EXPECT_TRUE(page) << page.error().message;
        std::vector<std::string> out;
        for (const auto& item : page->items) out.push_back(text_of(item));
        return out;
    }
    static EventQuery session_of(const Memory& memory, std::string session = "s1") {
        return {.address = {memory.id, ActorId("kim"), SessionId(std::move(session))}};
    }
    void extract() { EXPECT_TRUE(await(service_->worker().run_once())); }
    std::vector<std::string> find(const Memory& memory, std::string space, std::string text) {
        auto page = await(service_->records().retrieve(
            scope_, {.memory = memory.id, .spaces = {std::move(space)}, .text = std::move(text)}));
        EXPECT_TRUE(page) << page.error().message;
        std::vector<std::string> out;
        for (const auto& item : page->items)
            if (item.score > 0) out.push_back(item.record.text);
        return out;
    }
    std::vector<BatchOutcome> put(const Memory& memory, std::vector<NewRecord> records,
                                  Idempotency once = {}) {
        auto out =
            await(service_->records().create(scope_, memory.id, std::move(records), {}, once));
        EXPECT_TRUE(out) << out.error().message;
        return *out;
    }

    storage::testing::TemporaryFolder folder_;
    Loop loop_;
    ThreadPool pool_{1};
    ManualTimer timer_;
    SeededRandom random_{1};
    MemoryLimits limits_;
    NamedEmbedder embedder_;
    EngineConfig engine_;
    LanguageModel* model_ = nullptr;
    DeliveryTarget* target_ = nullptr;
    std::filesystem::path graphs_folder_;
    Scope scope_{"000000000000", "us-west-2"};
    std::unique_ptr<storage::Database> database_;
    std::unique_ptr<MemoryService> service_;
};

}  // namespace ac::memory::testing
