#include "models/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "async/run.h"
#include "models/key_source.h"
#include "storage/testing/temporary_folder.h"

namespace ac::models {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ChatRequest ask(std::string text) {
    ChatRequest request;
    request.model = "m1";
    request.messages.push_back({Role::user, {TextBlock{std::move(text)}}});
    return request;
}

TEST(script, conditions_look_at_the_whole_request) {
    const auto script = parse_script(R"(
rules:
  - when: {prompt: [WEATHER, seoul], turn: 1, tool_results: false, model: "m*", tool: w}
  - when: {pattern: "^say (.*)$", system: kind}
)");
    ASSERT_TRUE(script) << script.error().message;
    ChatRequest request = ask("the Weather in Seoul");
    EXPECT_FALSE(matches(script->rules[0].when, request));
    request.tools.push_back({.name = "w"});
    EXPECT_TRUE(matches(script->rules[0].when, request));
    request.messages.push_back({Role::assistant, {TextBlock{"x"}}});
    EXPECT_FALSE(matches(script->rules[0].when, request));
    request = ask("say hello");
    EXPECT_FALSE(matches(script->rules[1].when, request));
    request.system = {TextBlock{"Be Kind."}};
    EXPECT_TRUE(matches(script->rules[1].when, request));
}

TEST(script, fills_texts_in) {
    ChatRequest request = ask("hello");
    request.messages.push_back({Role::user, {ToolResultBlock{"t", {TextBlock{"42"}}, false}}});
    EXPECT_EQ(expand("{{prompt}}-{{ tool_result }}-{{model}}-{{turn}}-{{other}}-{{", request),
              "hello-42-m1-1-{{other}}-{{");
}

TEST(script, cuts_texts_between_characters) {
    EXPECT_THAT(chunks_of("a bc  d", 0), ElementsAre("a ", "bc ", " ", "d"));
    EXPECT_THAT(chunks_of("a\xEC\x84\x9C"
                          "b",
                          2),
                ElementsAre("a\xEC\x84\x9C", "b"));
}

TEST(script, says_what_is_wrong_and_where) {
    const std::vector<std::pair<const char*, const char*>> cases = {
        {"rules: 7", "rules is a list"},
        {"rulez: []", "unknown key script.rulez"},
        {"rules: [{whne: {}}]", "unknown key rules.whne"},
        {"rules: [{when: {pattern: '('}}]", "pattern"},
        {"rules: [{fail: {error: nope}}]", "fail.error is"},
        {"rules: [{breaks: nope}]", "breaks is"},
        {"rules: [{stop_reason: nope}]", "no stop reason"},
        {"rules: [{answer: [{tool: {}}]}]", "tool.name is missing"},
        {"rules: [{", "line"}};
    for (const auto& [yaml, said] : cases) {
        const auto script = parse_script(yaml);
        ASSERT_FALSE(script) << yaml;
        EXPECT_THAT(script.error().message, HasSubstr(said)) << yaml;
    }
}

TEST(file_keys, are_read_without_blanks_from_files_of_their_owner_alone) {
    const storage::testing::TemporaryFolder folder;
    const auto path = folder.path() / "key";
    std::ofstream(path) << "  secret\n";
    std::filesystem::permissions(path, std::filesystem::perms(0600));
    const SystemClock clock;
    Loop loop;
    const auto keys = make_file_keys(clock);
    const auto key = run_on(loop, keys->key("file:" + path.string()));
    ASSERT_TRUE(key) << key.error().message;
    EXPECT_EQ((*key)->view(), "secret");
    const auto open = folder.path() / "open";
    std::ofstream(open) << "secret";
    std::filesystem::permissions(open, std::filesystem::perms(0640));
    EXPECT_EQ(run_on(loop, keys->key("file:" + open.string())).error().code,
              ErrorCode::permission_denied);
    EXPECT_FALSE(run_on(loop, keys->key("file:" + (folder.path() / "none").string())));
    EXPECT_EQ(run_on(loop, keys->key("plain")).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace ac::models
