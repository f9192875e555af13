#include "cli/command/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace ac::cli {
namespace {

using testing::HasSubstr;

TEST(payload, json_goes_as_it_is_and_text_becomes_a_prompt) {
    EXPECT_EQ(payload_of(R"({"prompt": "Hi", "n": 1})"), R"({"prompt": "Hi", "n": 1})");
    EXPECT_EQ(payload_of("[1, 2]"), "[1, 2]");
    EXPECT_EQ(payload_of("Hello \"you\"\n"), R"({"prompt":"Hello \"you\"\n"})");
    EXPECT_EQ(payload_of("{'prompt': 'x'}"), R"({"prompt":"{'prompt': 'x'}"})");
    EXPECT_EQ(payload_of(""), R"({"prompt":""})");
}

TEST(answer, strings_are_unquoted_and_objects_indented_on_a_terminal) {
    EXPECT_EQ(shown("a\nb", false), "a\nb");
    const auto value = boost::json::parse(R"({"a":[1,{}],"b":"x"})");
    EXPECT_EQ(shown(value, false), R"({"a":[1,{}],"b":"x"})");
    EXPECT_EQ(shown(value, true), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": \"x\"\n}");
    EXPECT_EQ(boost::json::parse(pretty(value)), value);
}

TEST(stream, tokens_appear_as_each_event_ends) {
    StreamPrinter printer(false);
    EXPECT_EQ(printer.feed("data: \"Hel"), "");
    EXPECT_EQ(printer.feed("lo\"\n"), "");
    EXPECT_EQ(printer.feed("\n"), "Hello");
    EXPECT_EQ(printer.feed("data: \" world\"\n\ndata: \"!\"\n\n"), " world!");
    EXPECT_EQ(printer.finish(), "\n");
    EXPECT_EQ(printer.events().size(), 3u);
    EXPECT_FALSE(printer.error());
}

TEST(stream, cut_anywhere_it_says_the_same) {
    const std::string stream =
        ": ping\r\nevent: x\r\nid: 7\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata:plain\r\n\r\n"
        "data: \"t\"\n\ndata: {\"b\":2}\n\n";
    StreamPrinter whole(false);
    const std::string expected = whole.feed(stream) + whole.finish();
    EXPECT_EQ(expected, "{\"a\":1}\nplain\nt\n{\"b\":2}\n");
    for (std::size_t step = 1; step < 9; ++step) {
        StreamPrinter printer(false);
        std::string text;
        for (std::size_t i = 0; i < stream.size(); i += step)
            text += printer.feed(std::string_view(stream).substr(i, step));
        EXPECT_EQ(text + printer.finish(), expected) << step;
        EXPECT_EQ(printer.events(), whole.events());
    }
}

TEST(stream, an_unfinished_event_is_shown_at_the_end) {
    StreamPrinter printer(false);
    EXPECT_EQ(printer.feed("data: \"a\"\n\ndata: \"b\""), "a");
    EXPECT_EQ(printer.finish(), "b\n");
}

TEST(stream, an_agents_failure_is_no_text) {
    StreamPrinter printer(false);
    EXPECT_EQ(printer.feed("data: \"a\"\n\ndata: {\"error\": \"boom\", \"error_type\": "
                           "\"ValueError\", \"message\": \"m\"}\n\n"),
              "a");
    EXPECT_EQ(printer.finish(), "\n");
    ASSERT_TRUE(printer.error());
    EXPECT_EQ(*printer.error(), "ValueError: boom");
}

}  // namespace
}  // namespace ac::cli
