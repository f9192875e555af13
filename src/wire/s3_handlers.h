#pragma once
// The operations of the S3 front. Each gets one parsed request and returns the answer; only
// get_object answers by itself, because its body streams.

#include "wire/s3_front.h"
#include "wire/s3_payload.h"
#include "wire/s3_request.h"

namespace ac::wire::s3 {

// One request under way; lives as long as the operation.
struct Turn {
    objects::ObjectStore& objects;
    net::Exchange& exchange;
    const S3Call& call;
    S3Request request;

    const net::Headers& headers() const { return exchange.request().headers; }
    objects::ObjectKey key() const { return {request.bucket, request.key}; }
    objects::UploadKey upload() const {
        return {request.bucket, request.key, request.get("uploadId")};
    }
    Task<std::string> read_document();
};

net::Response xml_response(std::string xml);
std::string in_quotes(std::string_view etag);

// s3_bucket_handlers.cpp
Task<net::Response> list_buckets(Turn& turn);
Task<net::Response> create_bucket(Turn& turn);
Task<net::Response> head_bucket(Turn& turn);
Task<net::Response> delete_bucket(Turn& turn);
Task<net::Response> get_location(Turn& turn);
Task<net::Response> get_versioning(Turn& turn);
Task<net::Response> put_document(Turn& turn);
Task<net::Response> get_document(Turn& turn);
Task<net::Response> delete_document(Turn& turn);
// The sub-resource of the request that is kept as a document; empty when there is none.
std::string_view document_kind(const S3Request& request);

// s3_list_handlers.cpp
Task<net::Response> list_objects(Turn& turn);
Task<net::Response> list_uploads(Turn& turn);
Task<net::Response> list_parts(Turn& turn);

// s3_object_handlers.cpp
Task<net::Response> put_object(Turn& turn);
Task<net::Response> copy_object(Turn& turn);
Task<> get_object(Turn& turn);  // GET and HEAD
Task<net::Response> delete_object(Turn& turn);
Task<net::Response> delete_objects(Turn& turn);

// s3_upload_handlers.cpp
Task<net::Response> create_upload(Turn& turn);
Task<net::Response> put_part(Turn& turn);
Task<net::Response> copy_part(Turn& turn);
Task<net::Response> complete_upload(Turn& turn);
Task<net::Response> abort_upload(Turn& turn);

// x-amz-copy-source and its conditions; not_found, PreconditionFailed.
Task<objects::OpenObject> open_copy_source(Turn& turn);
// NotImplemented for headers whose meaning we cannot give (encryption, ACLs, tags, locks).
Result<> check_put_headers(const net::Headers& headers);

}  // namespace ac::wire::s3
