#include "cli/command/memory_transfer.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace ac::cli {
namespace {

namespace json = boost::json;

json::object object(std::string_view text) {
    return json::parse(text).as_object();
}

constexpr std::string_view kEvent =
    R"({"memoryId":"m-0123456789","actorId":"a","sessionId":"s","eventId":"1#a",)"
    R"("eventTimestamp":1700000000.25,"payload":[{"blob":{"x":1,"y":[2]}}],)"
    R"("branch":{"name":"main"}})";

TEST(memory_transfer, lines_are_read_as_they_were_written) {
    const auto event = object(kEvent);
    const auto line = parse_transfer_line(event_line(event));
    ASSERT_TRUE(line);
    EXPECT_EQ(line->kind, LineKind::event);
    EXPECT_EQ(line->document, event);
    EXPECT_EQ(parse_transfer_line(record_line(event))->kind, LineKind::record);
    EXPECT_EQ(parse_transfer_line(memory_line(event))->kind, LineKind::memory);
}

TEST(memory_transfer, other_lines_are_a_usage_error) {
    for (const auto* text :
         {"", "[]", "{", "null", R"({"kind":"event"})", R"({"kind":"event","event":[]})",
          R"({"kind":"kind"})", R"({"kind":"memory","format":2,"memory":{}})"}) {
        const auto line = parse_transfer_line(text);
        ASSERT_FALSE(line) << text;
        EXPECT_EQ(line.error().code, ExitCode::usage);
    }
}

TEST(memory_transfer, an_event_is_the_same_whatever_its_id_and_the_order_of_its_members) {
    const auto event = object(kEvent);
    auto other = event;
    other["eventId"] = "2#b";
    other["memoryId"] = "n-0123456789";
    other["payload"] = json::parse(R"([{"blob":{"y":[2],"x":1}}])");
    EXPECT_EQ(event_identity(event), event_identity(other));
    for (const auto& [member, value] :
         object(R"({"actorId":"b","sessionId":"t","eventTimestamp":1700000000.251,"payload":[],)"
                R"("metadata":{"k":{"stringValue":"v"}},"branch":{"name":"b"}})")) {
        auto changed = event;
        changed[member] = value;
        EXPECT_NE(event_identity(event), event_identity(changed)) << member;
    }
}

TEST(memory_transfer, strategies_go_by_name) {
    const StrategyNames names(
        object(R"({"strategies":[{"name":"facts","strategyId":"facts-0000000000"},)"
               R"({"name":"gone","strategyId":"gone-0000000000"}]})"),
        object(R"({"strategies":[{"name":"facts","strategyId":"facts-1111111111"}]})"));
    EXPECT_EQ(names.id_for("gone-0000000000"), "");
    const auto input = record_input(
        object(R"({"content":{"text":"x"},"createdAt":5,"memoryStrategyId":"facts-0000000000",)"
               R"("namespaces":["/strategies/facts-0000000000/actors/a"]})"),
        names);
    EXPECT_EQ(json::serialize(input), R"({"content":{"text":"x"},"timestamp":5,)"
                                      R"("namespaces":["/strategies/facts-1111111111/actors/a"],)"
                                      R"("memoryStrategyId":"facts-1111111111"})");
}

}  // namespace
}  // namespace ac::cli
