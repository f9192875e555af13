#include "wire/error_map.h"

#include <gtest/gtest.h>

namespace ac::wire {
namespace {

MappedError mapped(ErrorCode code, std::string_view operation) {
    const Error error{.code = code, .message = "why"};
    return map_error(error, find_operation(operation));
}

TEST(error_map, memory_has_its_own_names_for_throttling_and_faults) {
    EXPECT_EQ(mapped(ErrorCode::throttled, "CreateMemory").exception, "ThrottledException");
    EXPECT_EQ(mapped(ErrorCode::throttled, "CreateGateway").exception, "ThrottlingException");
    EXPECT_EQ(mapped(ErrorCode::internal, "CreateMemory").exception, "ServiceException");
    EXPECT_EQ(mapped(ErrorCode::internal, "CreateGateway").exception, "InternalServerException");
}

TEST(error_map, busy_is_retryable_where_the_operation_says_so) {
    EXPECT_EQ(mapped(ErrorCode::busy, "InvokeAgentRuntime").exception,
              "RetryableConflictException");
    EXPECT_EQ(mapped(ErrorCode::busy, "UpdateAgentRuntime").exception, "ConflictException");
}

TEST(error_map, a_guest_that_failed_is_the_clients_error) {
    const MappedError error = mapped(ErrorCode::guest_failed, "InvokeAgentRuntime");
    EXPECT_EQ(error.exception, "RuntimeClientError");
    EXPECT_EQ(error.status, 424);
}

TEST(error_map, statuses_are_those_of_the_model) {
    EXPECT_EQ(mapped(ErrorCode::quota_exceeded, "CreateAgentRuntime").status, 402);
    EXPECT_EQ(mapped(ErrorCode::not_found, "GetAgentRuntime").status, 404);
    EXPECT_EQ(mapped(ErrorCode::permission_denied, "GetAgentRuntime").status, 403);
    EXPECT_EQ(mapped(ErrorCode::conflict, "CreateAgentRuntime").status, 409);
    EXPECT_EQ(mapped(ErrorCode::not_implemented, "CreateBrowser").status, 501);
}

TEST(error_map, signature_failures_are_answered_by_their_own_names) {
    const Error error{
        .code = ErrorCode::unauthenticated, .message = "no", .reason = "InvalidSignatureException"};
    for (const OperationSpec* operation :
         {find_operation("CreateMemory"), static_cast<const OperationSpec*>(nullptr)}) {
        EXPECT_EQ(map_error(error, operation).exception, "InvalidSignatureException");
        EXPECT_EQ(map_error(error, operation).status, 403);
    }
    EXPECT_EQ(mapped(ErrorCode::unauthenticated, "CreateMemory").exception,
              "AccessDeniedException");
}

TEST(error_map, internal_messages_stay_inside) {
    EXPECT_EQ(mapped(ErrorCode::internal, "CreateMemory").message.find("why"), std::string::npos);
    EXPECT_EQ(mapped(ErrorCode::not_found, "GetMemory").message, "why");
}

TEST(error_map, validation_errors_carry_reason_and_fields) {
    const Error error{.code = ErrorCode::invalid_argument,
                      .message = "bad",
                      .reason = {},
                      .fields = {{.path = "a.b", .message = "Member must not be null"}}};
    const auto response = error_response(error, find_operation("CreateMemory"));
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.headers.get("x-amzn-errortype"), "ValidationException");
    EXPECT_EQ(response.body, R"({"message":"bad","reason":"FieldValidationFailed","fieldList":)"
                             R"([{"name":"a.b","message":"Member must not be null"}]})");
}

}  // namespace
}  // namespace ac::wire
