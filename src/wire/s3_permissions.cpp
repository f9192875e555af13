#include "wire/s3_permissions.h"

namespace ac::wire {
namespace {

std::string bucket_arn(std::string_view bucket) {
    return std::string("arn:aws:s3:::").append(bucket);
}

std::string bucket_action(const S3Request& request) {
    const std::string& method = request.method;
    const bool writes = method == "PUT" || method == "DELETE";
    if (request.has("lifecycle"))
        return writes ? "s3:PutLifecycleConfiguration" : "s3:GetLifecycleConfiguration";
    if (request.has("publicAccessBlock"))
        return writes ? "s3:PutBucketPublicAccessBlock" : "s3:GetBucketPublicAccessBlock";
    if (request.has("tagging")) return writes ? "s3:PutBucketTagging" : "s3:GetBucketTagging";
    if (method == "PUT") return "s3:CreateBucket";
    if (method == "DELETE") return "s3:DeleteBucket";
    if (request.has("location")) return "s3:GetBucketLocation";
    if (request.has("versioning")) return "s3:GetBucketVersioning";
    if (request.has("uploads")) return "s3:ListBucketMultipartUploads";
    return "s3:ListBucket";
}

std::string object_action(const S3Request& request) {
    const std::string& method = request.method;
    if (method == "GET" && request.has("uploadId")) return "s3:ListMultipartUploadParts";
    if (method == "GET" || method == "HEAD") return "s3:GetObject";
    if (method == "DELETE")
        return request.has("uploadId") ? "s3:AbortMultipartUpload" : "s3:DeleteObject";
    return "s3:PutObject";
}

}  // namespace

std::string s3_object_arn(std::string_view bucket, std::string_view key) {
    return bucket_arn(bucket).append(1, '/').append(key);
}

std::vector<S3Permission> s3_permissions(const S3Request& request, const net::Headers& headers) {
    if (request.bucket.empty()) return {{"s3:ListAllMyBuckets", "*"}};
    if (request.key.empty()) {
        if (request.method == "POST" && request.has("delete")) return {};
        return {{bucket_action(request), bucket_arn(request.bucket)}};
    }
    std::vector<S3Permission> out{
        {object_action(request), s3_object_arn(request.bucket, request.key)}};
    if (const auto source = headers.find("x-amz-copy-source")) {
        // One that cannot be read is refused by the operation itself.
        if (const auto from = parse_copy_source(*source))
            out.push_back({"s3:GetObject", s3_object_arn(from->bucket, from->key)});
    }
    return out;
}

access::RequestContext s3_condition_keys(const S3Request& request) {
    access::RequestContext keys;
    for (const std::string_view name : {"prefix", "delimiter", "max-keys"})
        if (const std::string* value = request.find(name))
            keys.add(std::string("s3:").append(name), *value);
    return keys;
}

}  // namespace ac::wire
