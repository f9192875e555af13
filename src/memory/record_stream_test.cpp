#include "memory/record_stream.h"

#include <boost/json/value_to.hpp>

#include "memory/testing/service_fixture.h"

namespace ac::memory {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kNoon;

constexpr std::string_view kStream = "arn:aws:kinesis:us-west-2:000000000000:stream/one";

class ListeningTarget final : public DeliveryTarget {
  public:
    Task<> put_object(Scope, std::string, std::string, std::string) override {
        co_return Result<>{};
    }
    Task<> notify(std::string, std::string, std::string) override { co_return Result<>{}; }
    bool has_stream(const std::string& arn) const override { return arn == kStream; }
    Task<> tell(Scope, std::string, std::vector<StreamedChange> changes) override {
        if (fails) co_return fail(ErrorCode::unavailable, "down");
        for (const auto& change : changes) {
            const auto document = json::parse(change.document);
            told.push_back(document.at("memoryStreamEvent").as_object());
        }
        co_return Result<>{};
    }

    bool fails = false;
    std::vector<json::object> told;
};

json::object settings(std::string_view arn, std::string_view level) {
    return json::parse(R"({"resources":[{"kinesis":{"dataStreamArn":")" + std::string(arn) +
                       R"(","contentConfigurations":[{"type":"MEMORY_RECORDS","level":")" +
                       std::string(level) + R"("}]}}]})")
        .as_object();
}

class RecordStreams : public testing::ServiceFixture {
  protected:
    RecordStreams() {
        target_ = &target;
        open();
    }
    Result<Memory> make(std::string_view arn, std::string_view level) {
        NewMemory wanted{.name = "streamed", .expiry_days = 7};
        wanted.strategies.push_back(strategy("facts", StrategyKind::semantic));
        wanted.details["streamDeliveryResources"] = settings(arn, level);
        return await(service_->memories().create(scope_, std::move(wanted)));
    }
    RecordId put_one(const Memory& memory, std::string text) {
        return put(memory, {{.request_id = "r", .space = "/a", .text = text}}).at(0).id;
    }
    void deliver() { EXPECT_TRUE(await(service_->stream().run_once())); }
    std::vector<std::string> kinds() const {
        std::vector<std::string> out;
        for (const auto& event : target.told)
            out.push_back(json::value_to<std::string>(event.at("eventType")));
        return out;
    }

    ListeningTarget target;
};

TEST_F(RecordStreams, tell_what_callers_do_in_order) {
    const auto memory = *make(kStream, "FULL_CONTENT");
    const auto id = put_one(memory, "Ann swims");
    ASSERT_TRUE(await(service_->records().update(
        scope_, memory.id, {{.id = id, .time = from_epoch_ms(kNoon), .text = "Ann runs"}}, {})));
    ASSERT_TRUE(await(service_->records().remove(scope_, memory.id, {id})));
    deliver();
    EXPECT_THAT(kinds(), ElementsAre("StreamingEnabled", "MemoryRecordCreated",
                                     "MemoryRecordUpdated", "MemoryRecordDeleted"));
    EXPECT_EQ(target.told[1].at("memoryRecordText"), "Ann swims");
    EXPECT_EQ(target.told[2].at("memoryRecordText"), "Ann runs");
    EXPECT_EQ(target.told[2].at("namespaces").as_array().at(0), "/a");
    EXPECT_FALSE(target.told[3].contains("memoryRecordText"));
    for (std::size_t i = 1; i < target.told.size(); ++i)
        EXPECT_EQ(target.told[i].at("memoryRecordId"), id.text().c_str());
    deliver();
    EXPECT_EQ(target.told.size(), 4U) << "nothing is told twice";
}

TEST_F(RecordStreams, leave_out_texts_unless_they_were_asked_for) {
    const auto memory = *make(kStream, "METADATA_ONLY");
    put_one(memory, "Ann swims");
    deliver();
    EXPECT_FALSE(target.told.at(1).contains("memoryRecordText"));
}

TEST_F(RecordStreams, tell_what_extraction_makes_and_replaces) {
    const auto memory = *make(kStream, "FULL_CONTENT");
    add(event(memory, kNoon, "I live in Busan near the sea."));
    extract();
    add(event(memory, kNoon + 1000, "I live in Seoul near the river."));
    extract();
    deliver();
    EXPECT_THAT(kinds(), ::testing::IsSupersetOf({std::string("MemoryRecordCreated"),
                                                  std::string("MemoryRecordDeleted"),
                                                  std::string("MemoryRecordCreated")}));
    EXPECT_EQ(target.told.at(1).at("memoryStrategyType"), "SEMANTIC");
}

TEST_F(RecordStreams, keep_what_a_receiver_does_not_take) {
    const auto memory = *make(kStream, "FULL_CONTENT");
    target.fails = true;
    put_one(memory, "first");
    deliver();
    put_one(memory, "second");
    target.fails = false;
    deliver();
    EXPECT_TRUE(target.told.empty()) << "it is left in peace for a while";
    timer_.advance(Seconds(2));
    open();  // the daemon was restarted in between
    deliver();
    EXPECT_THAT(kinds(),
                ElementsAre("StreamingEnabled", "MemoryRecordCreated", "MemoryRecordCreated"));
}

TEST_F(RecordStreams, drop_what_nobody_took_for_a_day) {
    const auto memory = *make(kStream, "FULL_CONTENT");
    put_one(memory, "first");
    timer_.advance(limits_.stream_retention + Seconds(1));
    deliver();
    EXPECT_TRUE(target.told.empty());
    put_one(memory, "second");
    deliver();
    EXPECT_THAT(kinds(), ElementsAre("MemoryRecordCreated"));
}

TEST_F(RecordStreams, are_refused_when_nothing_stands_for_them) {
    const auto refused =
        make("arn:aws:kinesis:us-west-2:000000000000:stream/other", "FULL_CONTENT");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(refused.error().message, HasSubstr("memory.streams"));
}

TEST_F(RecordStreams, end_when_the_settings_are_taken_away) {
    const auto memory = *make(kStream, "FULL_CONTENT");
    MemoryChange change{.id = memory.id};
    change.details["streamDeliveryResources"] = json::parse(R"({"resources":[]})");
    ASSERT_TRUE(await(service_->memories().update(scope_, std::move(change))));
    put_one(memory, "unheard");
    deliver();
    EXPECT_THAT(kinds(), ElementsAre("StreamingEnabled"));
}

TEST_F(RecordStreams, tell_of_records_that_expired) {
    const auto memory = *make(kStream, "FULL_CONTENT");
    RecordExpiry expiry{.days = 1};
    std::vector<NewRecord> records{{.request_id = "r", .space = "/a", .text = "short-lived"}};
    ASSERT_TRUE(
        await(service_->records().create(scope_, memory.id, std::move(records), expiry, {})));
    deliver();
    timer_.advance(std::chrono::hours(25));
    ASSERT_TRUE(await(service_->sweep()));
    deliver();
    EXPECT_THAT(kinds(),
                ElementsAre("StreamingEnabled", "MemoryRecordCreated", "MemoryRecordDeleted"));
}

}  // namespace
}  // namespace ac::memory
