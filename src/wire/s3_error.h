#pragma once
// Errors as S3 answers them: a code, a status, an XML document.

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/result.h"
#include "net/http_message.h"

namespace ac::wire {

struct S3Error {
    std::string code;  // "NoSuchKey"
    int status = 500;
    std::string message;
};

// error.reason is the code where it is one of S3's; otherwise error.code decides.
S3Error map_s3_error(const Error& error);

// `resource` is the path of the request, decoded or not.
net::Response s3_error_response(const Error& error, std::string_view resource,
                                std::string_view request_id);

// An Error with S3's code as its reason.
std::unexpected<Error> s3_fail(ErrorCode code, std::string_view s3_code, std::string message);

}  // namespace ac::wire
