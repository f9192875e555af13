#include "cli/project/naming.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "cli/test_support.h"

namespace ac::cli {
namespace {

TEST(naming, names_follow_the_apis_rule) {
    EXPECT_TRUE(is_agent_name("agent"));
    EXPECT_TRUE(is_agent_name("A_1"));
    EXPECT_TRUE(is_agent_name(std::string(48, 'a')));
    EXPECT_FALSE(is_agent_name(std::string(49, 'a')));
    for (const char* name : {"", "1a", "_a", "a-b", "a b", "ä"}) EXPECT_FALSE(is_agent_name(name));
}

TEST(naming, whatever_is_sanitised_is_valid_or_empty) {
    EXPECT_EQ(sanitise_agent_name("weather-bot"), "weather_bot");
    EXPECT_EQ(sanitise_agent_name("my agent (2)"), "my_agent_2");
    EXPECT_EQ(sanitise_agent_name("2nd"), "agent_2nd");
    EXPECT_EQ(sanitise_agent_name("--"), "");
    EXPECT_EQ(sanitise_agent_name("봇"), "");
    for (const char* text : {"a.b.c", "9", "_x", "__1", "é-è-1", "x-", "UPPER", "a__b"})
        EXPECT_TRUE(is_agent_name(sanitise_agent_name(text))) << text;
    EXPECT_TRUE(is_agent_name(sanitise_agent_name(std::string(200, '7'))));
}

TEST(naming, a_telling_file_names_the_agent_and_a_generic_one_its_folder) {
    EXPECT_EQ(infer_agent_name({"/p/weather-bot", "tools.py"}), "tools");
    EXPECT_EQ(infer_agent_name({"/p/weather-bot", "agent.py"}), "weather_bot");
    EXPECT_EQ(infer_agent_name({"/p/weather-bot", "src/main.py"}), "src");
    EXPECT_EQ(infer_agent_name({"/", "agent.py"}), "agent");
}

TEST(naming, an_entry_point_is_a_file_or_is_found_in_a_folder) {
    const TemporaryFolder folder;
    folder.write("agent.py", "");
    folder.write("src/main.py", "");
    folder.write("src/agent.py", "");
    auto file = locate_entrypoint(folder.path(), "src/agent.py");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->source, folder.path());
    EXPECT_EQ(file->entrypoint, "src/agent.py");
    auto in_folder = locate_entrypoint(folder.path(), "src/");
    ASSERT_TRUE(in_folder);
    EXPECT_EQ(in_folder->source, folder.path() / "src");
    EXPECT_EQ(in_folder->entrypoint, "main.py");
    auto here = locate_entrypoint(folder.path(), ".");
    ASSERT_TRUE(here);
    EXPECT_EQ(here->source, folder.path());
    EXPECT_EQ(here->entrypoint, "agent.py");
    auto elsewhere = locate_entrypoint(folder.path() / "src", folder.path() / "agent.py");
    ASSERT_TRUE(elsewhere);
    EXPECT_EQ(elsewhere->source, folder.path());
}

TEST(naming, a_program_is_deployed_alone_or_with_its_folder) {
    const TemporaryFolder folder;
    const auto program = [&](const std::string& name) {
        folder.write(name,
                     "\x7f"
                     "ELF...");
        std::filesystem::permissions(folder.path() / name, std::filesystem::perms::owner_all);
    };
    program("dist/weather");
    folder.write("dist/lib/helper.so", "");
    EXPECT_TRUE(is_program(folder.path() / "dist/weather"));
    EXPECT_FALSE(is_program(folder.path() / "dist/lib/helper.so"));
    EXPECT_FALSE(is_program(folder.path() / "dist"));
    const auto alone = locate_entrypoint(folder.path(), "dist/weather");
    ASSERT_TRUE(alone);
    EXPECT_EQ(alone->source, folder.path() / "dist");
    EXPECT_EQ(alone->entrypoint, "weather");
    EXPECT_TRUE(alone->program_alone);
    const auto whole = locate_entrypoint(folder.path(), "dist");
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->entrypoint, "weather");
    EXPECT_FALSE(whole->program_alone);
    program("dist/other");
    EXPECT_EQ(locate_entrypoint(folder.path(), "dist").error().code, ExitCode::usage);
}

TEST(naming, a_missing_entry_point_is_not_found_with_a_next_step) {
    const TemporaryFolder folder;
    folder.write("src/readme.md", "");
    for (const char* given : {"agent.py", "src", "."}) {
        auto layout = locate_entrypoint(folder.path(), given);
        ASSERT_FALSE(layout) << given;
        EXPECT_EQ(layout.error().code, ExitCode::not_found);
        EXPECT_FALSE(layout.error().next_step.empty());
    }
}

TEST(naming, a_first_invocation_speaks_the_agents_protocol) {
    EXPECT_EQ(first_invocation("HTTP"), R"(agentcore invoke '{"prompt": "Hello"}')");
    for (const auto* protocol : {"MCP", "A2A", "AGUI"}) {
        const std::string command = first_invocation(protocol);
        const auto from = command.find('\'') + 1;
        EXPECT_NO_THROW(boost::json::parse(command.substr(from, command.rfind('\'') - from)))
            << command;
    }
}

TEST(naming, runtimes_are_understood_in_the_ways_people_write_them) {
    for (const char* text : {"PYTHON_3_12", "python_3_12", "3.12", "python3.12", "Python-3.12"})
        EXPECT_EQ(canonical_runtime(text), "PYTHON_3_12") << text;
    EXPECT_EQ(canonical_runtime("node22"), "NODE_22");
    for (const char* text : {"", "3.9", "PYTHON_2_7", "ruby"})
        EXPECT_FALSE(canonical_runtime(text)) << text;
    EXPECT_EQ(default_runtime("agent.py"), "PYTHON_3_11");
    EXPECT_EQ(default_runtime("agent.ts"), "NODE_22");
    EXPECT_EQ(canonical_protocol("http"), "HTTP");
    EXPECT_FALSE(canonical_protocol("SMTP"));
    for (const char* text : {"us-west-2", "us-gov-east-1", "ap-southeast-4"})
        EXPECT_TRUE(is_region(text)) << text;
    for (const char* text : {"", "3.12", "us", "us-west", "US-WEST-2", "us--2", "us-west-2/x"})
        EXPECT_FALSE(is_region(text)) << text;
}

}  // namespace
}  // namespace ac::cli
