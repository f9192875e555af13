#include "cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ac::cli {
namespace {

using testing::HasSubstr;

const std::vector<CompletionNode> kNodes = {
    {"", {{"memory", "Memories: all"}, {"--json", "It's JSON"}}},
    {" memory", {{"list", "List them"}}}};

TEST(completion, scripts_hold_every_command_and_its_words) {
    EXPECT_THAT(completion_script("bash", kNodes).value(),
                HasSubstr("'') words='memory --json' ;;"));
    EXPECT_THAT(completion_script("bash", kNodes).value(), HasSubstr("' memory') words='list' ;;"));
    EXPECT_THAT(completion_script("zsh", kNodes).value(), HasSubstr("'memory:Memories, all'"));
    EXPECT_THAT(completion_script("zsh", kNodes).value(), HasSubstr("'--json:Its JSON'"));
    EXPECT_THAT(completion_script("fish", kNodes).value(),
                HasSubstr("-n \"__agentcore_at ' memory'\" -a 'list' -d 'List them'"));
}

TEST(completion, other_shells_are_not_known) {
    EXPECT_EQ(completion_script("tcsh", kNodes).error().code, ExitCode::usage);
}

}  // namespace
}  // namespace ac::cli
