#pragma once
// Which S3 actions a request is for policies, and on what.

#include <string>
#include <vector>

#include "access/request_context.h"
#include "net/http_message.h"
#include "wire/s3_request.h"

namespace ac::wire {

struct S3Permission {
    std::string action;    // "s3:GetObject"
    std::string resource;  // "arn:aws:s3:::bucket/key"
};

std::string s3_object_arn(std::string_view bucket, std::string_view key);

// Each must be allowed. The keys of a DeleteObjects are in its body and asked for one by one.
std::vector<S3Permission> s3_permissions(const S3Request& request, const net::Headers& headers);
// s3:prefix and the like.
access::RequestContext s3_condition_keys(const S3Request& request);

}  // namespace ac::wire
