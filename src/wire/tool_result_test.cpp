#include "wire/tool_result.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "wire/event_stream.h"

namespace ac::wire {
namespace {

namespace json = boost::json;
using interpreter::AgentEvent;
using interpreter::Tool;

json::object payload_of(const std::string& frame) {
    EventDecoder decoder;
    decoder.feed(frame);
    const auto message = decoder.next();
    EXPECT_TRUE(message && *message);
    EXPECT_EQ((*message)->header(":event-type"), "result");
    return json::parse((*message)->payload).as_object();
}

std::string last_of(ToolResult& result) {
    std::string event;
    std::string last;
    for (result.next_event(event); !event.empty(); result.next_event(event)) last = event;
    return last;
}

AgentEvent output(const char* stream, std::string body) {
    return {.kind = "output", .header = {{"stream", stream}}, .body = std::move(body)};
}

AgentEvent done(json::object header, std::string body = {}) {
    return {.kind = "done", .header = std::move(header), .body = std::move(body)};
}

TEST(ToolResult, an_interim_event_never_cuts_a_character) {
    ToolResult result(Tool::execute_code);
    result.add(output("stdout", "a\xe2\x82"));
    auto told = payload_of(result.interim());
    EXPECT_EQ(told["structuredContent"].at("stdout").as_string(), "a");
    EXPECT_EQ(result.interim(), "");
    result.add(output("stdout", "\xac!"));
    told = payload_of(result.interim());
    EXPECT_EQ(told["structuredContent"].at("stdout").as_string(), "\xe2\x82\xac!");
}

TEST(ToolResult, bytes_that_are_no_text_become_text) {
    ToolResult result(Tool::execute_command);
    result.add(output("stdout", "\xff\xfe\n"));
    EXPECT_TRUE(result.add(done({{"exitCode", 0}})));
    const auto whole = payload_of(last_of(result));
    EXPECT_FALSE(whole.at("isError").as_bool());
}

TEST(ToolResult, a_read_that_claims_more_than_came_is_cut) {
    ToolResult result(Tool::read_files);
    json::array files;
    files.push_back({{"path", "a"}, {"size", 3}, {"mimeType", "text/plain"}});
    files.push_back({{"path", "b"}, {"size", 1'000'000}, {"mimeType", "text/plain"}});
    files.push_back({{"path", "c"}, {"size", -5}, {"mimeType", "text/plain"}});
    result.add(done({{"files", files}}, "abcd"));
    const auto whole = payload_of(last_of(result));
    ASSERT_EQ(whole.at("content").as_array().size(), 1U);
    EXPECT_EQ(whole.at("content").at(0).at("resource").at("text").as_string(), "abc");
}

TEST(ToolResult, headers_of_any_shape_are_survived) {
    for (const Tool tool : {Tool::execute_code, Tool::read_files, Tool::list_files, Tool::get_task,
                            Tool::start_command, Tool::write_files}) {
        ToolResult result(tool);
        result.add(done({{"exitCode", "x"},
                         {"files", {1, "a"}},
                         {"entries", {nullptr}},
                         {"outBytes", -7},
                         {"task", 5},
                         {"seconds", "s"},
                         {"text", 1}},
                        "body"));
        EXPECT_TRUE(payload_of(last_of(result)).contains("content"));
    }
}

TEST(ToolResult, what_no_event_can_carry_is_an_error_that_says_so) {
    ToolResult flood(Tool::execute_code);
    flood.add(output("stdout", std::string(8 << 20, '\1')));
    EXPECT_LT(flood.interim().size(), 16U << 20);
    flood.add(output("stderr", std::string(8 << 20, '\1')));
    flood.add(done({{"exitCode", 0}}));
    const auto whole = payload_of(last_of(flood));
    EXPECT_FALSE(whole.at("isError").as_bool());
    EXPECT_LT(whole.at("structuredContent").at("stdout").as_string().size(), 1U << 20);
}

TEST(ToolResult, a_session_that_ends_under_a_call_says_why) {
    ToolResult result(Tool::execute_code);
    result.add(output("stdout", "before"));
    result.end_broken("out of memory");
    const auto whole = payload_of(last_of(result));
    EXPECT_TRUE(whole.at("isError").as_bool());
    EXPECT_EQ(whole.at("structuredContent").at("stdout").as_string(), "before");
    EXPECT_EQ(whole.at("structuredContent").at("stderr").as_string(), "out of memory");
}

}  // namespace
}  // namespace ac::wire
