#pragma once
// The one place that turns an ErrorCode into AWS's exceptions: which exception an operation answers
// depends on what it declares (Memory has ThrottledException where the others have
// ThrottlingException).

#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_message.h"
#include "wire/operation.h"

namespace ac::wire {

struct MappedError {
    std::string_view exception;  // "ResourceNotFoundException"; static
    int status = 500;
    std::string message;
};

// `operation` is nullptr for extensions and for failures before an operation was found. The message
// of internal errors is not the caller's business and is replaced (it belongs in the log).
MappedError map_error(const Error& error, const OperationSpec* operation);

// The error as restJson1 answers it: x-amzn-errortype and {"message": ...}.
net::Response error_response(const Error& error, const OperationSpec* operation);

// For failures that are the protocol's own (UnknownOperationException).
net::Response exception_response(std::string_view exception, int status, std::string_view message);

// Body of a ValidationException and of every other exception.
std::string error_body(const Error& error, const MappedError& mapped);

}  // namespace ac::wire
