#include "cli/command/memory_input.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

namespace ac::cli {
namespace {

std::string parsed(std::string_view text) {
    const auto strategies = parse_strategies(text);
    return strategies ? boost::json::serialize(*strategies) : strategies.error().message;
}

TEST(memory_strategies, are_short_names) {
    EXPECT_EQ(parsed("semantic, user_preference"),
              R"([{"semanticMemoryStrategy":{"name":"semantic"}},)"
              R"({"userPreferenceMemoryStrategy":{"name":"user_preference"}}])");
    EXPECT_EQ(parsed(""), "[]");
}

TEST(memory_strategies, are_the_toolkits_json) {
    const std::string given = R"([{"summaryMemoryStrategy":{"name":"S"}}])";
    EXPECT_EQ(parsed(" " + given + "\n"), given);
}

TEST(memory_strategies, that_are_neither_are_a_usage_error) {
    for (const auto* text : {"semantics", "semantic,,summary", "[{]", "[1"}) {
        const auto strategies = parse_strategies(text);
        ASSERT_FALSE(strategies) << text;
        EXPECT_EQ(strategies.error().code, ExitCode::usage);
    }
}

}  // namespace
}  // namespace ac::cli
