#include "wire/agent_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "async/run.h"
#include "runtime/runtime_service.h"

namespace ac::wire {
namespace {

using runtime::ServerProtocol;
using testing::HasSubstr;

net::Response answer(ServerProtocol protocol, ErrorCode code, std::string reason = {}) {
    const Error error{.code = code, .message = "why", .reason = std::move(reason)};
    return agent_error(protocol, error, R"({"jsonrpc":"2.0","method":"x","id":"a-1"})").value();
}

TEST(agent_errors, http_agents_have_the_apis_own) {
    const Error error{.code = ErrorCode::busy, .message = "why"};
    EXPECT_FALSE(agent_error(ServerProtocol::http, error, "{}"));
    const Error denied{.code = ErrorCode::permission_denied, .message = "why"};
    EXPECT_FALSE(agent_error(ServerProtocol::a2a, denied, "{}"));
}

TEST(agent_errors, mcp_clients_read_json_rpc_in_a_200) {
    const auto failed = answer(ServerProtocol::mcp, ErrorCode::guest_failed);
    EXPECT_EQ(failed.status, 200);
    EXPECT_EQ(failed.body,
              R"({"jsonrpc":"2.0","id":"a-1","error":{"code":-32010,"message":"why"}})");
    EXPECT_EQ(answer(ServerProtocol::mcp, ErrorCode::unauthenticated).status, 401);
    EXPECT_EQ(answer(ServerProtocol::mcp, ErrorCode::permission_denied).status, 403);
    const auto refused =
        answer(ServerProtocol::mcp, ErrorCode::guest_failed, std::string(runtime::kNotAcceptable));
    EXPECT_EQ(refused.status, 406);
    EXPECT_THAT(refused.body, HasSubstr("-32011"));
    EXPECT_THAT(answer(ServerProtocol::mcp, ErrorCode::not_found).body, HasSubstr("-32004"));
    EXPECT_THAT(answer(ServerProtocol::mcp, ErrorCode::busy).body, HasSubstr("-32005"));
    EXPECT_THAT(answer(ServerProtocol::mcp, ErrorCode::invalid_argument).body, HasSubstr("-32006"));
    EXPECT_THAT(answer(ServerProtocol::mcp, ErrorCode::quota_exceeded).body, HasSubstr("-32003"));
}

TEST(agent_errors, a2a_clients_read_json_rpc_with_a_status) {
    const std::pair<ErrorCode, std::pair<int, const char*>> all[] = {
        {ErrorCode::not_found, {404, "-32051"}}, {ErrorCode::invalid_argument, {400, "-32052"}},
        {ErrorCode::throttled, {429, "-32053"}}, {ErrorCode::quota_exceeded, {429, "-32053"}},
        {ErrorCode::busy, {409, "-32054"}},      {ErrorCode::guest_failed, {424, "-32055"}},
        {ErrorCode::internal, {500, "-32603"}}};
    for (const auto& [code, wanted] : all) {
        const auto response = answer(ServerProtocol::a2a, code);
        EXPECT_EQ(response.status, wanted.first);
        EXPECT_THAT(response.body, HasSubstr(wanted.second));
    }
}

TEST(agent_errors, agui_clients_read_an_event) {
    const auto failed = answer(ServerProtocol::agui, ErrorCode::guest_failed);
    EXPECT_EQ(failed.status, 200);
    EXPECT_EQ(failed.headers.get("Content-Type"), "text/event-stream");
    EXPECT_EQ(failed.body,
              "data: {\"type\":\"RUN_ERROR\",\"code\":\"AGENT_ERROR\",\"message\":\"why\"}\n\n");
    EXPECT_EQ(answer(ServerProtocol::agui, ErrorCode::busy).status, 409);
    EXPECT_EQ(answer(ServerProtocol::agui, ErrorCode::quota_exceeded).status, 429);
}

TEST(agent_errors, internal_messages_stay_inside) {
    EXPECT_THAT(answer(ServerProtocol::mcp, ErrorCode::internal).body,
                testing::Not(HasSubstr("why")));
}

TEST(agent_errors, an_id_is_a_text_or_a_number) {
    EXPECT_EQ(rpc_id(R"({"id": 7})"), "7");
    EXPECT_EQ(rpc_id(R"({"id": "x\"y"})"), "\"x\\\"y\"");
    for (const char* text :
         {"", "[]", "{", R"({"id": {}})", R"({"id": null})", "{\"id\":\"\xff\"}"})
        EXPECT_EQ(rpc_id(text), "null") << text;
}

TEST(agent_errors, a_body_is_remembered_while_it_is_read) {
    net::StringBody inner(R"({"id": 7})");
    RememberingBody body(inner);
    std::array<char, 4> piece;
    Loop loop;
    EXPECT_EQ(run_on(loop, body.read_some(piece)).value(), 4U);
    EXPECT_EQ(run_on(loop, body.text()).value(), R"({"id": 7})");
}

}  // namespace
}  // namespace ac::wire
