#include "wire/error_map.h"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <span>

namespace ac::wire {
namespace {

namespace json = boost::json;

struct Choice {
    std::string_view exception;
    int status = 0;
};

constexpr Choice kValidation{"ValidationException", 400};
constexpr Choice kAccessDenied{"AccessDeniedException", 403};
constexpr Choice kConflict{"ConflictException", 409};
constexpr Choice kThrottling{"ThrottlingException", 429};
constexpr Choice kThrottled{"ThrottledException", 429};
constexpr Choice kInternal{"InternalServerException", 500};
constexpr Choice kService{"ServiceException", 500};
constexpr Choice kGuest{"RuntimeClientError", 424};
constexpr Choice kUnavailable{"ServiceUnavailableException", 503};

// First what fits best; the first that the operation declares is taken, else the first that ends
// the list as the general answer.
constexpr Choice kUnauthenticated[] = {{"UnauthorizedException", 401}, kAccessDenied};
constexpr Choice kNotFound[] = {{"ResourceNotFoundException", 404}};
constexpr Choice kConflicts[] = {kConflict,
                                 {"ConcurrentModificationException", 409},
                                 {"DuplicateIdException", 409},
                                 {"RetryableConflictException", 409},
                                 kConflict};
constexpr Choice kBusy[] = {{"RetryableConflictException", 409},
                            kConflict,
                            {"ConcurrentModificationException", 409},
                            {"ModelNotReadyException", 429},
                            kConflict};
constexpr Choice kQuota[] = {{"ServiceQuotaExceededException", 402},
                             {"ResourceLimitExceededException", 400},
                             {"ServiceQuotaExceededException", 402}};
// Bedrock's models have another status for it, and most of its operations only the second.
constexpr Choice kModelQuota[] = {{"ServiceQuotaExceededException", 400}, kThrottling};
constexpr Choice kRates[] = {kThrottling, kThrottled, kThrottling};
constexpr Choice kBroken[] = {kInternal, kService, kInternal};
constexpr Choice kAway[] = {kUnavailable, kInternal, kService, kInternal};
constexpr Choice kGuests[] = {kGuest, {"ModelErrorException", 424}, kInternal, kService, kInternal};
// The time allowed to the user's code, or to a model.
constexpr Choice kDeadlines[] = {
    kGuest, {"ModelTimeoutException", 408}, kInternal, kService, kInternal};
constexpr Choice kInvalid[] = {kValidation};
constexpr Choice kDenied[] = {kAccessDenied};
// 501: clients retry 500, 502, 503 and 504, which would be of no use here.
constexpr Choice kNotImplemented[] = {{"NotImplementedException", 501}};

std::span<const Choice> choices(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_argument:
        case ErrorCode::too_large:
            return kInvalid;
        case ErrorCode::unauthenticated:
            return kUnauthenticated;
        case ErrorCode::permission_denied:
            return kDenied;
        case ErrorCode::not_found:
            return kNotFound;
        case ErrorCode::conflict:
            return kConflicts;
        case ErrorCode::busy:
            return kBusy;
        case ErrorCode::quota_exceeded:
            return kQuota;
        case ErrorCode::throttled:
            return kRates;
        case ErrorCode::deadline_exceeded:
            return kDeadlines;
        case ErrorCode::guest_failed:
            return kGuests;
        case ErrorCode::cancelled:
        case ErrorCode::unavailable:
            return kAway;
        case ErrorCode::not_implemented:
            return kNotImplemented;
        case ErrorCode::internal:
            return kBroken;
    }
    return kBroken;
}

// Every operation may answer these (AWS's common errors); sigv4 names them as the reason.
constexpr Choice kAuthentication[] = {{"MissingAuthenticationTokenException", 403},
                                      {"IncompleteSignatureException", 403},
                                      {"UnrecognizedClientException", 403},
                                      {"InvalidSignatureException", 403},
                                      {"ExpiredTokenException", 403}};

const Choice* common_choice(const Error& error) {
    if (error.code != ErrorCode::unauthenticated) return nullptr;
    const auto found = std::ranges::find(kAuthentication, error.reason, &Choice::exception);
    return found == std::end(kAuthentication) ? nullptr : found;
}

bool is_bedrock(const OperationSpec& operation) {
    return operation.plane == Plane::models || operation.plane == Plane::catalogue;
}

Choice choose(ErrorCode code, const OperationSpec* operation) {
    std::span<const Choice> list = choices(code);
    if (operation == nullptr) return list.front();
    if (code == ErrorCode::quota_exceeded && is_bedrock(*operation)) list = kModelQuota;
    for (const Choice& choice : list)
        if (std::ranges::find(operation->errors, choice.exception) != operation->errors.end())
            return choice;
    return list.back();
}

}  // namespace

MappedError map_error(const Error& error, const OperationSpec* operation) {
    const Choice* common = common_choice(error);
    const Choice choice = common ? *common : choose(error.code, operation);
    std::string message = error.message;
    if (error.code == ErrorCode::internal || message.empty())
        message = error.code == ErrorCode::internal
                      ? "The service could not process the request because of an internal error"
                      : std::string(to_string(error.code));
    return {.exception = choice.exception, .status = choice.status, .message = std::move(message)};
}

std::string error_body(const Error& error, const MappedError& mapped) {
    json::object body;
    body["message"] = mapped.message;
    if (mapped.exception == kValidation.exception) {
        body["reason"] = error.reason.empty() ? "FieldValidationFailed" : error.reason;
        if (!error.fields.empty()) {
            json::array fields;
            for (const FieldError& field : error.fields)
                fields.push_back({{"name", field.path}, {"message", field.message}});
            body["fieldList"] = std::move(fields);
        }
    }
    return json::serialize(body);
}

net::Response error_response(const Error& error, const OperationSpec* operation) {
    const MappedError mapped = map_error(error, operation);
    net::Response response{.status = mapped.status, .headers = {}, .body = {}};
    response.headers.add("Content-Type", "application/json");
    response.headers.add("x-amzn-errortype", std::string(mapped.exception));
    response.body = error_body(error, mapped);
    return response;
}

net::Response exception_response(std::string_view exception, int status, std::string_view message) {
    net::Response response{.status = status, .headers = {}, .body = {}};
    response.headers.add("Content-Type", "application/json");
    response.headers.add("x-amzn-errortype", std::string(exception));
    response.body = json::serialize(json::object{{"message", message}});
    return response;
}

}  // namespace ac::wire
