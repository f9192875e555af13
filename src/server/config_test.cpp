#include "server/config.h"

#include <gtest/gtest.h>

namespace ac::server {
namespace {

TEST(config, a_file_overrides_the_defaults) {
    const auto config = parse_config(R"(
listen: "0.0.0.0:8080"
log: {level: debug, format: text}
sandbox: {accept_missing: [cgroup-memory]}
runtime:
  sessions_max: 12
  session_processors_max: 0.5
  python_exact: true
)",
                                     {});
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->host, "0.0.0.0");
    EXPECT_EQ(config->port, 8080);
    EXPECT_EQ(config->log_level, log::Level::debug);
    EXPECT_EQ(config->accept_missing, std::vector<std::string>{"cgroup-memory"});
    EXPECT_EQ(config->sessions_max, 12U);
    EXPECT_EQ(config->session_processors_max, 0.5);
    EXPECT_TRUE(config->python_exact);
}

TEST(config, an_empty_file_is_the_defaults) {
    EXPECT_TRUE(parse_config("", {}));
}

TEST(config, mistakes_name_the_line_and_the_key) {
    const std::pair<const char*, const char*> cases[] = {
        {"listne: 1", "line 1: unknown key listne"},
        {"a: 1\nlisten: 7070", "line 1: unknown key a"},
        {"listen: \"localhost\"", "listen: want HOST:PORT"},
        {"listen: \"h:70700\"", "port"},
        {"account: \"12\"", "12 digits"},
        {"threads: many", "want a number"},
        {"log: {level: loud}", "want debug"},
        {"runtime: {sessions_max: 0}", "from 1"},
        {"runtime: {session_processors_max: nan}", "from 0.1"},
        {"runtime: {session_processors_max: 0.01}", "from 0.1"},
        {"runtime: {session_memory_mib_max: 1}", "from 32"},
        {"sandbox: {accept_missing: landlock}", "is a list"},
        {"listen: [1]", "is one value"},
        {"[1, 2]", "map"},
        {"a: [", "line"},
    };
    for (const auto& [text, expected] : cases) {
        const auto config = parse_config(text, {});
        ASSERT_FALSE(config) << text;
        EXPECT_NE(config.error().message.find(expected), std::string::npos)
            << config.error().message;
    }
}

TEST(config, the_command_line_has_the_last_word) {
    const auto line =
        parse_command_line({"--listen", "127.0.0.1:0", "--data-dir", "/d"}, "/default");
    ASSERT_TRUE(line);
    EXPECT_EQ(line->config.port, 0);
    EXPECT_EQ(line->config.data_dir, "/d");
    EXPECT_EQ(parse_command_line({}, "/default")->config.data_dir, "/default");
    EXPECT_EQ(parse_command_line({"--probe"}, "")->action, CommandLine::Action::probe);
    EXPECT_FALSE(parse_command_line({"--listen"}, ""));
    EXPECT_FALSE(parse_command_line({"--data-dir", ""}, "/default"));
    EXPECT_FALSE(parse_command_line({"--verbose"}, ""));
}

}  // namespace
}  // namespace ac::server
