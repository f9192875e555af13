#include "wire/s3_front.h"

#include <fmt/format.h>

#include "base/log.h"
#include "wire/s3_error.h"
#include "wire/s3_handlers.h"
#include "wire/s3_permissions.h"

namespace ac::wire {
namespace {

using s3::Turn;

using Operation = Task<net::Response> (*)(Turn&);

std::unexpected<Error> not_served(const S3Request& request, std::string_view subresource) {
    const std::string_view of = request.bucket.empty() ? "the service"
                                : request.key.empty()  ? "a bucket"
                                                       : "an object";
    return s3_fail(
        ErrorCode::not_implemented, "NotImplemented",
        subresource.empty()
            ? fmt::format("{} of {} is not implemented.", request.method, of)
            : fmt::format("{} ?{} of {} is not implemented.", request.method, subresource, of));
}

Operation service_operation(const S3Request& request) {
    return request.method == "GET" ? s3::list_buckets : nullptr;
}

Operation bucket_operation(const S3Request& request) {
    const std::string& method = request.method;
    const bool document = !s3::document_kind(request).empty();
    if (method == "PUT") return document ? s3::put_document : s3::create_bucket;
    if (method == "DELETE") return document ? s3::delete_document : s3::delete_bucket;
    if (method == "HEAD") return s3::head_bucket;
    if (method == "POST") return request.has("delete") ? s3::delete_objects : nullptr;
    if (method != "GET") return nullptr;
    if (document) return s3::get_document;
    if (request.has("location")) return s3::get_location;
    if (request.has("versioning")) return s3::get_versioning;
    if (request.has("uploads")) return s3::list_uploads;
    return s3::list_objects;
}

// GET and HEAD of an object itself are get_object, which is none of these.
Operation object_operation(const S3Request& request, bool copies) {
    const std::string& method = request.method;
    const bool upload = request.has("uploadId");
    if (method == "PUT" && upload) return copies ? s3::copy_part : s3::put_part;
    if (method == "PUT") return copies ? s3::copy_object : s3::put_object;
    if (method == "GET" && upload) return s3::list_parts;
    if (method == "DELETE") return upload ? s3::abort_upload : s3::delete_object;
    if (method == "POST" && upload) return s3::complete_upload;
    if (method == "POST" && request.has("uploads")) return s3::create_upload;
    return nullptr;
}

// The sub-resources that the operation chosen above looks at.
std::string_view unserved(const S3Request& request) {
    const std::string& method = request.method;
    if (request.bucket.empty()) return unserved_subresource(request, {});
    if (!request.key.empty()) {
        if (method == "PUT") return unserved_subresource(request, {"uploadId", "partNumber"});
        if (method == "POST") return unserved_subresource(request, {"uploadId", "uploads"});
        if (method == "HEAD") return unserved_subresource(request, {});
        return unserved_subresource(request, {"uploadId"});
    }
    if (method == "GET")
        return unserved_subresource(request, {"location", "versioning", "uploads", "lifecycle",
                                              "publicAccessBlock", "tagging"});
    if (method == "POST") return unserved_subresource(request, {"delete"});
    if (method == "HEAD") return unserved_subresource(request, {});
    return unserved_subresource(request, {"lifecycle", "publicAccessBlock", "tagging"});
}

// Whoever names an owner wants the request to fail for any other.
Result<> check_expected_owner(const Turn& turn) {
    for (const std::string_view name :
         {"x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"}) {
        const auto owner = turn.headers().find(name);
        if (owner && *owner != turn.call.scope.account)
            return s3_fail(ErrorCode::permission_denied, "AccessDenied", "Access Denied");
    }
    return {};
}

Result<> check_permissions(const Turn& turn) {
    if (!turn.call.may) return {};
    const auto keys = s3_condition_keys(turn.request);
    for (const S3Permission& needed : s3_permissions(turn.request, turn.headers()))
        AC_CHECK(turn.call.may(needed.action, needed.resource, keys));
    return {};
}

class Front final : public S3Front {
  public:
    explicit Front(objects::ObjectStore& objects) : objects_(objects) {}

    Detached serve(net::Exchange& exchange, S3Call call) override {
        auto answered = co_await answer(exchange, call);
        if (answered) co_return;
        const Error& error = answered.error();
        if (error.code == ErrorCode::internal || error.code == ErrorCode::unavailable)
            AC_LOG(error, "s3 request failed", {"request_id", call.request_id},
                   {"reason", error.message});
        if (exchange.started()) {
            exchange.abort();
            co_return;
        }
        auto response = s3_error_response(error, exchange.request().path(), call.request_id);
        response.headers.add("x-amz-request-id", call.request_id);
        if (exchange.request().method == "HEAD") response.body.clear();
        // The client may be gone; there is nobody left to tell.
        (void)co_await exchange.respond(std::move(response));
    }

  private:
    Task<> answer(net::Exchange& exchange, const S3Call& call) {
        if (!call.verified) co_return std::unexpected(call.verified.error());
        AC_CO_TRY(S3Request request, parse_s3_request(exchange.request()));
        Turn turn{
            .objects = objects_, .exchange = exchange, .call = call, .request = std::move(request)};
        AC_CO_CHECK(check_permissions(turn));
        AC_CO_CHECK(check_expected_owner(turn));
        if (const auto name = unserved(turn.request); !name.empty())
            co_return not_served(turn.request, name);
        if (reads_object(turn.request)) co_return co_await s3::get_object(turn);
        const Operation operation = choose(turn);
        if (operation == nullptr) co_return not_served(turn.request, "");
        AC_CO_TRY(net::Response response, co_await operation(turn));
        response.headers.add("x-amz-request-id", call.request_id);
        co_return co_await exchange.respond(std::move(response));
    }

    static bool reads_object(const S3Request& request) {
        return !request.bucket.empty() && !request.key.empty() && !request.has("uploadId") &&
               (request.method == "GET" || request.method == "HEAD");
    }

    static Operation choose(const Turn& turn) {
        if (turn.request.bucket.empty()) return service_operation(turn.request);
        if (turn.request.key.empty()) return bucket_operation(turn.request);
        return object_operation(turn.request, turn.headers().contains("x-amz-copy-source"));
    }

    objects::ObjectStore& objects_;
};

}  // namespace

std::unique_ptr<S3Front> make_s3_front(objects::ObjectStore& objects) {
    return std::make_unique<Front>(objects);
}

}  // namespace ac::wire
