#include "wire/api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include "async/run.h"
#include "wire/testing/fake_exchange.h"

namespace ac::wire {
namespace {

using testing::FakeExchange;
using ::testing::HasSubstr;

class ApiTest : public ::testing::Test {
  protected:
    struct Answer {
        net::Response response;
        bool aborted = false;
    };

    Task<> serve(FakeExchange& exchange, CallContext context) {
        co_await api_->serve(exchange, std::move(context), exchange.body());
        co_return Result<>();
    }

    Answer call(std::string method, std::string target, std::string body = {}) {
        net::RequestHead head;
        head.method = std::move(method);
        head.target = std::move(target);
        FakeExchange exchange(std::move(head), std::move(body));
        CallContext context;
        context.request_id = "request-1";
        EXPECT_TRUE(run_on(loop_, serve(exchange, std::move(context))));
        EXPECT_TRUE(exchange.finished() || exchange.aborted);
        EXPECT_EQ(exchange.response.headers.get("x-amzn-RequestId"), "request-1");
        return {.response = std::move(exchange.response), .aborted = exchange.aborted};
    }

    static std::string type_of(const Answer& answer) {
        return std::string(answer.response.headers.get("x-amzn-errortype"));
    }

    Loop loop_;
    SystemClock clock_;
    std::unique_ptr<Api> api_ = make_api(clock_);
};

Task<json::object> echo_name(CallContext context, json::object input) {
    json::object memory;
    memory["id"] = input.at("memoryId");
    memory["name"] = context.operation->name;
    json::object output;
    output["memory"] = std::move(memory);
    co_return output;
}

Task<json::object> not_there(CallContext, json::object) {
    co_return fail(ErrorCode::not_found, "no such memory");
}

Task<> pass_body_on(CallContext, json::object input, net::Exchange& exchange, net::Body& body) {
    EXPECT_FALSE(input.contains("payload"));
    AC_CO_TRY(std::string text, co_await net::read_all(body, 1000));
    net::Response response{.status = 200, .headers = {}, .body = "got " + text};
    co_return co_await exchange.respond(std::move(response));
}

Task<> break_off(CallContext, json::object, net::Exchange& exchange, net::Body&) {
    net::ResponseHead head;
    AC_CO_CHECK(co_await exchange.start(std::move(head)));
    co_return fail(ErrorCode::guest_failed, "died");
}

Task<> answer_label(CallContext context, json::object input, net::Exchange& exchange, net::Body&) {
    EXPECT_EQ(context.operation, nullptr);
    net::Response response{.status = 200, .headers = {}, .body = {}};
    response.body =
        std::string(input.at("id").as_string()) + std::string(input.at("q").as_string());
    co_return co_await exchange.respond(std::move(response));
}

TEST_F(ApiTest, a_handler_gets_input_and_its_output_is_answered) {
    api_->bind("GetMemory", echo_name);
    const auto answer = call("GET", "/memories/memory_a-0123456789/details");
    EXPECT_EQ(answer.response.status, 200);
    EXPECT_EQ(answer.response.body,
              R"({"memory":{"id":"memory_a-0123456789","name":"GetMemory"}})");
}

TEST_F(ApiTest, invalid_input_never_reaches_the_handler) {
    api_->bind("GetMemory", [](CallContext, json::object) -> Task<json::object> {
        ADD_FAILURE() << "called";
        return not_there({}, {});
    });
    const auto answer = call("GET", "/memories/short/details");
    EXPECT_EQ(answer.response.status, 400);
    EXPECT_EQ(type_of(answer), "ValidationException");
    EXPECT_THAT(answer.response.body, HasSubstr("memoryId"));
}

TEST_F(ApiTest, an_error_is_answered_as_the_operation_declares_it) {
    api_->bind("GetMemory", not_there);
    const auto answer = call("GET", "/memories/memory_a-0123456789/details");
    EXPECT_EQ(answer.response.status, 404);
    EXPECT_EQ(type_of(answer), "ResourceNotFoundException");
    EXPECT_EQ(answer.response.body, R"({"message":"no such memory"})");
}

TEST_F(ApiTest, an_operation_without_handler_names_itself) {
    const auto answer = call("POST", "/memories/create", "not even JSON");
    EXPECT_EQ(answer.response.status, 501);
    EXPECT_EQ(type_of(answer), "NotImplementedException");
    EXPECT_THAT(answer.response.body, HasSubstr("CreateMemory is not implemented"));
}

TEST_F(ApiTest, unknown_paths_and_wrong_methods_are_told_apart) {
    const auto unknown = call("GET", "/nothing");
    EXPECT_EQ(unknown.response.status, 404);
    EXPECT_EQ(type_of(unknown), "UnknownOperationException");
    const auto wrong = call("DELETE", "/memories/create");
    EXPECT_EQ(wrong.response.status, 405);
    EXPECT_EQ(type_of(wrong), "UnknownOperationException");
    EXPECT_EQ(wrong.response.headers.get("Allow"), "POST");
    EXPECT_EQ(call("GET", "/memories/%zz/details").response.status, 400);
}

TEST_F(ApiTest, a_raw_payload_is_left_to_the_handler) {
    api_->bind_stream("InvokeAgentRuntime", pass_body_on);
    const auto answer = call("POST", "/runtimes/agent-0123456789/invocations", "\x01 raw");
    EXPECT_EQ(answer.response.body, "got \x01 raw");
}

TEST_F(ApiTest, a_stream_that_fails_is_broken_off) {
    api_->bind_stream("InvokeAgentRuntime", break_off);
    EXPECT_TRUE(call("POST", "/runtimes/agent-0123456789/invocations", "x").aborted);
}

TEST_F(ApiTest, extensions_get_labels_and_query_as_strings) {
    api_->bind_extension("GET", "/x/things/{id}", answer_label);
    EXPECT_EQ(call("GET", "/x/things/a%2Fb?q=c%20d").response.body, "a/bc d");
}

TEST_F(ApiTest, the_list_of_operations_says_what_is_implemented) {
    const std::size_t before = api_->unimplemented().size();
    EXPECT_EQ(before, operations().size());
    api_->bind("GetMemory", not_there);
    EXPECT_TRUE(api_->implements("GetMemory"));
    EXPECT_FALSE(api_->implements("CreateMemory"));
    EXPECT_FALSE(api_->implements("NoSuchOperation"));
    EXPECT_EQ(api_->unimplemented().size(), before - 1);
    const json::value list = json::parse(call("GET", "/x/operations").response.body);
    std::size_t implemented = 0;
    for (const json::value& item : list.at("operations").as_array())
        implemented += item.at("implemented").as_bool() ? 1 : 0;
    EXPECT_EQ(implemented, 1U);
}

}  // namespace
}  // namespace ac::wire
