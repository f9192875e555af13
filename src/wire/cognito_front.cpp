#include "wire/cognito_front.h"

#include <boost/json.hpp>

#include "base/log.h"
#include "wire/cognito_call.h"
#include "wire/json_text.h"

namespace ac::wire {
namespace {

namespace json = boost::json;

net::Response aws_json(int status, std::string body, const std::string& request_id) {
    net::Response response{.status = status, .headers = {}, .body = std::move(body)};
    response.headers.add("Content-Type", "application/x-amz-json-1.1");
    response.headers.add("x-amzn-RequestId", request_id);
    return response;
}

cognito::Operation operation_called(std::string_view name) {
    for (const auto operations :
         {cognito::pool_operations(), cognito::client_operations(), cognito::user_operations()})
        for (const auto& [known, operation] : operations)
            if (known == name) return operation;
    return nullptr;
}

std::string_view exception_of(const Error& error) {
    if (!error.reason.empty() && error.reason != "CannotParse") return error.reason;
    switch (error.code) {
        case ErrorCode::invalid_argument:
            return "InvalidParameterException";
        case ErrorCode::not_found:
            return "ResourceNotFoundException";
        case ErrorCode::unauthenticated:
        case ErrorCode::permission_denied:
            return "NotAuthorizedException";
        case ErrorCode::quota_exceeded:
            return "LimitExceededException";
        case ErrorCode::throttled:
            return "TooManyRequestsException";
        case ErrorCode::not_implemented:
            return "UnknownOperationException";
        default:
            return "InternalErrorException";
    }
}

net::Response aws_error(const Error& error, const std::string& request_id) {
    const std::string_view exception = exception_of(error);
    const bool is_ours = exception == "InternalErrorException";
    json::object body;
    body["__type"] = exception;
    body["message"] = is_ours ? "internal error" : error.message;
    net::Response response = aws_json(is_ours ? 500 : 400, json::serialize(body), request_id);
    response.headers.add("x-amzn-errortype", std::string(exception));
    return response;
}

}  // namespace

std::string_view cognito_operation(const net::RequestHead& head) {
    constexpr std::string_view kTarget = "AWSCognitoIdentityProviderService.";
    const std::string_view target = head.headers.get("X-Amz-Target");
    return target.starts_with(kTarget) ? target.substr(kTarget.size()) : std::string_view();
}

bool is_unsigned_cognito(std::string_view operation) {
    return operation == "InitiateAuth";
}

Task<net::Response> answer_cognito(issuer::Issuer* issuer, Scope scope, std::string operation,
                                   std::string body, std::string request_id) {
    if (issuer == nullptr) {
        const Error off{.code = ErrorCode::not_implemented,
                        .message = "the development issuer is off: set issuer.enabled"};
        co_return aws_error(off, request_id);
    }
    auto input = parse_json(body.empty() ? "{}" : body);
    if (!input || !input->is_object()) {
        const Error broken{.code = ErrorCode::invalid_argument, .message = "want a JSON object"};
        co_return aws_error(broken, request_id);
    }
    const cognito::Operation found = operation_called(operation);
    if (found == nullptr || (scope.account.empty() && !is_unsigned_cognito(operation))) {
        const Error unknown{.code = ErrorCode::not_implemented,
                            .message = operation + " is not implemented by agentcored"};
        co_return aws_error(unknown, request_id);
    }
    cognito::Call call{.issuer = *issuer, .scope = std::move(scope), .input = input->get_object()};
    const auto output = co_await found(std::move(call));
    if (!output) {
        if (exception_of(output.error()) == "InternalErrorException")
            AC_LOG(error, "a Cognito operation failed", {"operation", operation},
                   {"what", output.error().message});
        co_return aws_error(output.error(), request_id);
    }
    co_return aws_json(200, json::serialize(*output), request_id);
}

}  // namespace ac::wire
