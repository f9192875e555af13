#include "runtime/shell_protocol.h"

#include <gtest/gtest.h>

namespace ac::runtime {
namespace {

TEST(shell_protocol, statuses_are_those_that_clients_read) {
    EXPECT_EQ(connected_status("x", true),
              R"({"kind":"Status","apiVersion":"v1",)"
              R"("metadata":{"shellId":"x","reconnected":true},"status":"Success"})");
    EXPECT_EQ(ended_status({.exit_code = 0, .signal = std::nullopt}),
              R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"})");
    EXPECT_EQ(
        ended_status(shell_end({.reason = sandbox::Reason::signaled, .code = 9, .detail = {}})),
        R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
        R"("reason":"NonZeroExitCode","message":"command terminated with exit code 137",)"
        R"("details":{"causes":[{"reason":"ExitCode","message":"137"},)"
        R"({"reason":"Signal","message":"9"}]}})");
    const ShellEnd stopped =
        shell_end({.reason = sandbox::Reason::stopped, .code = 0, .detail = {}});
    EXPECT_FALSE(stopped.exit_code);
    EXPECT_NE(ended_status(stopped).find("InternalError"), std::string::npos);
}

TEST(shell_protocol, resizes_are_checked) {
    EXPECT_EQ(parse_resize(R"({"width": 220, "height": 50})").value(),
              (sandbox::TerminalSize{.columns = 220, .rows = 50}));
    for (const char* bad : {"", "x", "[]", "{}", R"({"width": 0, "height": 1})",
                            R"({"width": 1.5, "height": 1})", R"({"width": 65536, "height": 1})",
                            R"({"width": "1", "height": 1})", R"({"width": -1, "height": 1})"})
        EXPECT_FALSE(parse_resize(bad)) << bad;
    EXPECT_FALSE(parse_resize(std::string(10'000, '[')));
}

TEST(shell_protocol, names_of_shells) {
    EXPECT_TRUE(check_shell_id("a"));
    EXPECT_TRUE(check_shell_id("0" + std::string(127, '-')));
    for (const std::string& bad : {std::string(), std::string("-a"), std::string("a b"),
                                   std::string("a\n"), std::string(129, 'a'), std::string("a/b")})
        EXPECT_FALSE(check_shell_id(bad)) << bad;
}

}  // namespace
}  // namespace ac::runtime
