#include "cli/man_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/options.h"

namespace ac::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string page_of(std::vector<std::string> command) {
    command.insert(command.begin(), "man");
    auto parsed = parse_arguments(std::move(command));
    EXPECT_TRUE(parsed);
    return parsed ? std::get<HelpText>(*parsed).text : std::string();
}

TEST(man_page, says_what_the_parser_takes) {
    const std::string page = page_of({"invoke"});
    EXPECT_THAT(page, HasSubstr("agentcore\\-invoke \\- "));
    EXPECT_THAT(page, HasSubstr("[\\fIOPTION\\fR]... \\fIPAYLOAD\\fR\n"));
    EXPECT_THAT(page, HasSubstr("\\fB\\-s\\fR, \\fB\\-\\-session\\-id\\fR \\fISESSION\\-ID\\fR\n"));
    EXPECT_THAT(page, HasSubstr("\\fB\\-d\\fR, \\fB\\-\\-dev\\fR\n")) << "a flag takes no value";
    EXPECT_THAT(page, Not(HasSubstr("\\-\\-local"))) << "what is refused is no option";
}

TEST(man_page, lists_the_commands_below) {
    const std::string page = page_of({});
    EXPECT_THAT(page, HasSubstr(".TP\n\\fBdeploy\\fR\n"));
    EXPECT_THAT(page, HasSubstr("\\fBagentcore\\-memory\\fR(1)"));
    EXPECT_THAT(page_of({"memory", "list"}),
                HasSubstr(".SH SEE ALSO\n\\fBagentcore\\-memory\\fR(1)"));
}

TEST(man_page, no_line_of_text_becomes_a_request) {
    const ManPage page{.path = "x",
                       .summary = "s",
                       .options = {{.names = {"--a"}, .description = ".so /etc/\\f"}}};
    EXPECT_THAT(to_roff(page), HasSubstr("\n\\&.so /etc/\\ef\n"));
}

TEST(man_page, of_no_command_is_an_error) {
    const auto parsed = parse_arguments({"man", "nonsense"});
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, ExitCode::usage);
}

}  // namespace
}  // namespace ac::cli
