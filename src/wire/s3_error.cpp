#include "wire/s3_error.h"

#include <array>

#include "wire/s3_xml.h"

namespace ac::wire {
namespace {

struct Known {
    std::string_view code;
    int status;
};

// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
constexpr std::array kKnown = {
    Known{"AccessDenied", 403},
    Known{"AuthorizationHeaderMalformed", 400},
    Known{"BadDigest", 400},
    Known{"BucketAlreadyExists", 409},
    Known{"BucketAlreadyOwnedByYou", 409},
    Known{"BucketNotEmpty", 409},
    Known{"EntityTooLarge", 400},
    Known{"EntityTooSmall", 400},
    Known{"ExpiredToken", 400},
    Known{"IncompleteBody", 400},
    Known{"InvalidAccessKeyId", 403},
    Known{"InvalidArgument", 400},
    Known{"InvalidBucketName", 400},
    Known{"InvalidDigest", 400},
    Known{"InvalidPart", 400},
    Known{"InvalidPartOrder", 400},
    Known{"InvalidRange", 416},
    Known{"InvalidRequest", 400},
    Known{"InvalidURI", 400},
    Known{"KeyTooLongError", 400},
    Known{"MalformedXML", 400},
    Known{"MetadataTooLarge", 400},
    Known{"MethodNotAllowed", 405},
    Known{"NoSuchBucket", 404},
    Known{"NoSuchKey", 404},
    Known{"NoSuchLifecycleConfiguration", 404},
    Known{"NoSuchPublicAccessBlockConfiguration", 404},
    Known{"NoSuchTagSet", 404},
    Known{"NoSuchUpload", 404},
    Known{"NotImplemented", 501},
    Known{"PreconditionFailed", 412},
    Known{"RequestTimeTooSkewed", 403},
    Known{"RequestTimeout", 400},
    Known{"ServiceUnavailable", 503},
    Known{"SignatureDoesNotMatch", 403},
    Known{"TooManyBuckets", 400},
    Known{"XAmzContentSHA256Mismatch", 400},
};

Known by_code(ErrorCode code) {
    switch (code) {
        case ErrorCode::invalid_argument:
            return {"InvalidRequest", 400};
        case ErrorCode::unauthenticated:
        case ErrorCode::permission_denied:
            return {"AccessDenied", 403};
        case ErrorCode::not_found:
            return {"NoSuchKey", 404};
        case ErrorCode::conflict:
            return {"OperationAborted", 409};
        case ErrorCode::too_large:
            return {"EntityTooLarge", 400};
        case ErrorCode::busy:
        case ErrorCode::throttled:
        case ErrorCode::quota_exceeded:
            return {"SlowDown", 503};
        case ErrorCode::unavailable:
            return {"ServiceUnavailable", 503};
        case ErrorCode::cancelled:
        case ErrorCode::deadline_exceeded:
            return {"RequestTimeout", 400};
        case ErrorCode::not_implemented:
            return {"NotImplemented", 501};
        case ErrorCode::guest_failed:
        case ErrorCode::internal:
            break;
    }
    return {"InternalError", 500};
}

}  // namespace

S3Error map_s3_error(const Error& error) {
    for (const Known& known : kKnown)
        if (known.code == error.reason)
            return {.code = error.reason, .status = known.status, .message = error.message};
    // The authentication layer's spelling of what S3 calls otherwise.
    if (error.reason == "UnrecognizedClientException")
        return {.code = "InvalidAccessKeyId",
                .status = 403,
                .message = "The AWS Access Key Id you provided does not exist in our records."};
    if (error.reason == "ExpiredTokenException")
        return {.code = "ExpiredToken", .status = 400, .message = error.message};
    if (error.reason == "InvalidSignatureException")
        return {.code = "SignatureDoesNotMatch", .status = 403, .message = error.message};
    const Known known = by_code(error.code);
    const bool ours = error.code == ErrorCode::internal || error.code == ErrorCode::unavailable;
    return {
        .code = std::string(known.code),
        .status = known.status,
        .message = ours ? "We encountered an internal error. Please try again." : error.message};
}

net::Response s3_error_response(const Error& error, std::string_view resource,
                                std::string_view request_id) {
    const S3Error mapped = map_s3_error(error);
    XmlWriter xml;
    xml.open("Error");
    xml.text("Code", mapped.code);
    xml.text("Message", mapped.message);
    xml.text("Resource", resource);
    xml.text("RequestId", request_id);
    xml.close("Error");
    return {.status = mapped.status,
            .headers = {{"Content-Type", "application/xml"}},
            .body = xml.take()};
}

std::unexpected<Error> s3_fail(ErrorCode code, std::string_view s3_code, std::string message) {
    return std::unexpected(
        Error{.code = code, .message = std::move(message), .reason = std::string(s3_code)});
}

}  // namespace ac::wire
