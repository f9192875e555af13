#include "models/routing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "models/glob.h"

namespace ac::models {
namespace {

using ::testing::HasSubstr;

Result<ModelsConfig> config(const char* yaml) {
    return parse_models_config(YAML::Load(yaml));
}

constexpr const char* kWhole = R"(
default: [local/tiny, claude]
default_embedding: local/embed
providers:
  local: {kind: openai, url: "http://127.0.0.1:1/v1", concurrency_max: 3, idle_timeout_seconds: 0.5}
  claude: {kind: anthropic, key: "file:/k"}
  aws: {kind: bedrock, region: eu-west-1, key: "file:/a"}
routes:
  - {match: "*claude*", to: claude/sonnet}
  - {match: "amazon.*", to: aws}
  - {match: "amazon.titan-embed*", to: local/embed, embedding: true}
prices:
  - {match: "claude/*", input_per_million: 3, output_per_million: 15}
)";

Target first(const Routing& routing, std::string_view id,
             ModelInfo::Kind kind = ModelInfo::Kind::chat) {
    return routing.resolve(id, kind).value().front();
}

TEST(glob, matches_like_a_shell_over_the_whole_text) {
    EXPECT_TRUE(matches_glob("*", ""));
    EXPECT_TRUE(matches_glob("a*c", "abc"));
    EXPECT_TRUE(matches_glob("*claude*", "us.anthropic.claude-3"));
    EXPECT_TRUE(matches_glob("a?c", "abc"));
    EXPECT_TRUE(matches_glob("*a*b", "aXbXab"));
    EXPECT_FALSE(matches_glob("a*c", "abcd"));
    EXPECT_FALSE(matches_glob("", "a"));
    EXPECT_FALSE(matches_glob("a?c", "ac"));
    // A pattern of many stars takes no exponential time.
    EXPECT_FALSE(matches_glob("*a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST(routing, the_first_match_decides_and_unknown_ids_go_to_the_default) {
    const Routing routing(config(kWhole).value());
    EXPECT_EQ(first(routing, "us.anthropic.claude-3-7"), (Target{"claude", "sonnet"}));
    EXPECT_EQ(first(routing, "amazon.nova-lite-v1:0"), (Target{"aws", "amazon.nova-lite-v1:0"}));
    EXPECT_EQ(first(routing, "..."), (Target{"local", "tiny"}));
    EXPECT_EQ(routing.resolve("...", ModelInfo::Kind::chat)->back(), (Target{"claude", "..."}));
    EXPECT_EQ(first(routing, "amazon.titan-embed-text-v2:0", ModelInfo::Kind::embedding),
              (Target{"local", "embed"}));
}

TEST(routing, reads_arns_and_takes_providers_by_name) {
    const Routing routing(config(kWhole).value());
    EXPECT_EQ(first(routing, "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova"),
              (Target{"aws", "amazon.nova"}));
    EXPECT_EQ(first(routing, "local/other"), (Target{"local", "other"}));
    EXPECT_EQ(first(routing, "openai/gpt"), (Target{"local", "tiny"}));
}

TEST(routing, names_what_is_configured) {
    const auto named = Routing(config(kWhole).value()).named();
    ASSERT_EQ(named.size(), 2U);
    EXPECT_EQ(named[0].id, "local/embed");
    EXPECT_EQ(named[1].id, "local/tiny");
}

TEST(price_table, counts_billionths_of_a_dollar) {
    const PriceTable prices(config(kWhole)->prices);
    const Usage usage{.input_tokens = 10, .output_tokens = 2, .cache_read_input_tokens = 5};
    EXPECT_EQ(prices.nano_dollars("x", {"claude", "sonnet"}, usage), (15 * 3 + 2 * 15) * 1000);
    EXPECT_EQ(prices.nano_dollars("x", {"local", "tiny"}, usage), 0);
}

TEST(models_config, reads_bounds_and_defaults) {
    const auto parsed = config(kWhole);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->providers[0].limits.concurrency_max, 3U);
    EXPECT_EQ(parsed->providers[0].limits.idle_timeout, Milliseconds{500});
    EXPECT_EQ(parsed->providers[1].url, "https://api.anthropic.com");
    EXPECT_EQ(parsed->providers[2].url, "https://bedrock-runtime.eu-west-1.amazonaws.com");
}

TEST(models_config, says_what_is_wrong_and_where) {
    const std::vector<std::pair<const char*, const char*>> cases = {
        {"[]", "models is a map"},
        {"{defualt: x}", "unknown key models.defualt"},
        {"{providers: {a: {}}}", "kind is openai"},
        {"{providers: {a: {kind: openai}}}", "url is missing"},
        {"{providers: {a: {kind: bedrock, key: k}}}", "region is missing"},
        {"{providers: {a: {kind: anthropic}}}", "key is missing"},
        {"{providers: {a: {kind: scripted}}}", "script is missing"},
        {"{providers: {a/b: {kind: scripted, script: s}}}", "no '/'"},
        {"{providers: {a: {kind: openai, url: u, attempts_max: 0}}}", "from 1 to 20"},
        {"{providers: {a: {kind: openai, url: u, queue_max: x}}}", "cannot read 'x'"},
        {"{default: b/c}", "no provider is called b"},
        {"{default: /c}", "want PROVIDER/MODEL"},
        {"{routes: [{to: a}]}", "match is missing"},
        {"{routes: [{match: a}]}", "to is missing"},
        {"{routes: x}", "is a list"},
        {"{prices: [{match: a, input_per_million: -1}]}", "from 0 to"}};
    for (const auto& [yaml, said] : cases) {
        const auto parsed = config(yaml);
        ASSERT_FALSE(parsed) << yaml;
        EXPECT_THAT(parsed.error().message, HasSubstr(said)) << yaml;
        EXPECT_THAT(parsed.error().message, HasSubstr("line 1")) << yaml;
    }
}

}  // namespace
}  // namespace ac::models
