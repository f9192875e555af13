#include "wire/cognito_front.h"

#include "base/log.h"
#include "wire/aws_json.h"
#include "wire/cognito_call.h"
#include "wire/json_text.h"

namespace ac::wire {
namespace {

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
            return kInternalFailure;
    }
}

net::Response aws_error(const Error& error, const std::string& request_id) {
    return aws_json_error(exception_of(error), error.message, request_id);
}

}  // namespace

std::string_view cognito_operation(const net::RequestHead& head) {
    return target_operation(head, "AWSCognitoIdentityProviderService");
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
        if (exception_of(output.error()) == kInternalFailure)
            AC_LOG(error, "a Cognito operation failed", {"operation", operation},
                   {"what", output.error().message});
        co_return aws_error(output.error(), request_id);
    }
    co_return aws_json(*output, request_id);
}

}  // namespace ac::wire
