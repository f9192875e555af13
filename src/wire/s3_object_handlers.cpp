#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/time_text.h"
#include "objects/limits.h"
#include "wire/s3_error.h"
#include "wire/s3_handlers.h"
#include "wire/s3_limits.h"
#include "wire/s3_permissions.h"
#include "wire/s3_xml.h"

namespace ac::wire::s3 {
namespace {

constexpr std::array<std::string_view, 9> kUnservedHeaders = {
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-website-redirect-location",
    "x-amz-tagging",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-object-lock-legal-hold",
    "x-amz-write-offset-bytes"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOverrides = {
    {{"response-cache-control", "cache-control"},
     {"response-content-disposition", "content-disposition"},
     {"response-content-encoding", "content-encoding"},
     {"response-content-language", "content-language"},
     {"response-content-type", "content-type"},
     {"response-expires", "expires"}}};

std::unexpected<Error> not_implemented_header(std::string_view name) {
    return s3_fail(ErrorCode::not_implemented, "NotImplemented",
                   fmt::format("A header you provided implies functionality that is not "
                               "implemented: {}",
                               name));
}

std::unexpected<Error> precondition_failed() {
    return s3_fail(ErrorCode::conflict, "PreconditionFailed",
                   "At least one of the pre-conditions you specified did not hold");
}

// Head of a GET or HEAD answer, for the whole object.
net::Headers object_headers(const Turn& turn, const objects::ObjectInfo& object) {
    const bool with_checksums =
        equals_ignoring_case(turn.headers().get("x-amz-checksum-mode"), "enabled");
    net::Headers headers;
    headers.add("ETag", in_quotes(object.etag));
    headers.add("Last-Modified", to_http_date(object.modified));
    headers.add("Accept-Ranges", "bytes");
    for (const auto& [name, value] : object.attributes)
        if (with_checksums || !name.starts_with("x-amz-checksum-")) headers.add(name, value);
    if (!headers.contains("content-type")) headers.add("content-type", "binary/octet-stream");
    for (const auto& [parameter, name] : kOverrides)
        if (const std::string* value = turn.request.find(parameter)) headers.set(name, *value);
    return headers;
}

// Clients compare a checksum with whatever content comes with it: nothing, or a part.
void remove_checksums(const objects::ObjectInfo& object, net::Headers& headers) {
    for (const auto& [name, value] : object.attributes)
        if (name.starts_with("x-amz-checksum-")) headers.remove(name);
}

struct Extent {
    int status = 200;
    std::uint64_t first = 0;
    std::uint64_t length = 0;
};

// Applies conditions and range; sets Content-Length and Content-Range.
Result<Extent> choose_extent(const Turn& turn, const objects::ObjectInfo& object,
                             net::Headers& headers) {
    const Condition condition = evaluate_conditions(turn.headers(), object.etag, object.modified);
    if (condition == Condition::failed) return precondition_failed();
    if (condition == Condition::not_modified) {
        remove_checksums(object, headers);
        return Extent{.status = 304};
    }
    Extent extent{.length = object.size};
    auto range = parse_range(turn.headers().get("range"), object.size);
    if (!range) return std::unexpected(std::move(range).error());
    if (*range) {
        extent = {.status = 206,
                  .first = (*range)->first,
                  .length = (*range)->last - (*range)->first + 1};
        headers.add("Content-Range",
                    fmt::format("bytes {}-{}/{}", (*range)->first, (*range)->last, object.size));
        remove_checksums(object, headers);
    }
    headers.add("Content-Length", std::to_string(extent.length));
    return extent;
}

Task<> stream(net::Exchange& exchange, storage::BlobReader& reader, Extent extent) {
    std::string buffer(std::min<std::uint64_t>(kS3StepBytes, extent.length), '\0');
    while (extent.length > 0) {
        const std::span<char> out(buffer.data(),
                                  std::min<std::uint64_t>(buffer.size(), extent.length));
        AC_CO_TRY(const std::size_t n, co_await reader.read_at(extent.first, out));
        if (n == 0) co_return fail(ErrorCode::internal, "a blob is shorter than its object");
        const std::string_view bytes(buffer.data(), n);
        AC_CO_CHECK(co_await exchange.write(bytes));
        extent.first += n;
        extent.length -= n;
    }
    co_return co_await exchange.finish();
}

void add_checksum(net::Headers& headers, const objects::Attributes& checksum) {
    for (const auto& [name, value] : checksum) headers.add(name, value);
}

}  // namespace

Result<> check_put_headers(const net::Headers& headers) {
    for (const std::string_view name : kUnservedHeaders)
        if (headers.contains(name)) return not_implemented_header(name);
    for (const net::Header& header : headers)
        if (to_lower(header.name).starts_with("x-amz-grant-"))
            return not_implemented_header("x-amz-grant-*");
    const auto acl = headers.get("x-amz-acl");
    if (!acl.empty() && acl != "private" && acl != "bucket-owner-full-control")
        return not_implemented_header("x-amz-acl");
    const auto storage_class = headers.get("x-amz-storage-class");
    if (!storage_class.empty() && storage_class != "STANDARD")
        return not_implemented_header("x-amz-storage-class");
    return {};
}

Task<net::Response> put_object(Turn& turn) {
    AC_CO_CHECK(check_put_headers(turn.headers()));
    if (turn.headers().contains("if-match")) co_return not_implemented_header("if-match");
    const auto if_none_match = turn.headers().find("if-none-match");
    if (if_none_match && *if_none_match != "*") co_return not_implemented_header("if-none-match");
    AC_CO_TRY(PayloadTerms terms,
              payload_terms(turn.headers(), turn.call.content_sha256, *turn.call.verified));
    // Before 5 GB are taken in for nothing.
    AC_CO_CHECK(co_await turn.objects.find_bucket(turn.call.scope, turn.request.bucket));
    AC_CO_TRY(auto writer, co_await turn.objects.begin());
    AC_CO_TRY(const Received received, co_await receive_blob(turn.exchange.body(), std::move(terms),
                                                             *writer, objects::kPutBytesMax));
    objects::PutOptions options{
        .attributes = stored_attributes(turn.headers()),
        .overwrite = if_none_match ? objects::Overwrite::forbidden : objects::Overwrite::allowed};
    options.attributes.insert(options.attributes.end(), received.checksum.begin(),
                              received.checksum.end());
    if (!received.checksum.empty())
        options.attributes.emplace_back("x-amz-checksum-type", "FULL_OBJECT");
    AC_CO_TRY(const objects::ObjectInfo object,
              co_await turn.objects.put(turn.call.scope, turn.key(), std::move(options),
                                        std::move(writer)));
    net::Response response;
    response.headers.add("ETag", in_quotes(object.etag));
    add_checksum(response.headers, received.checksum);
    if (!received.checksum.empty()) response.headers.add("x-amz-checksum-type", "FULL_OBJECT");
    co_return response;
}

Task<objects::OpenObject> open_copy_source(Turn& turn) {
    AC_CO_TRY(objects::ObjectKey source,
              parse_copy_source(turn.headers().get("x-amz-copy-source")));
    AC_CO_TRY(objects::OpenObject object,
              co_await turn.objects.open(turn.call.scope, std::move(source)));
    constexpr std::string_view kPrefix = "x-amz-copy-source-";
    net::Headers conditions;
    for (const net::Header& header : turn.headers()) {
        const std::string name = to_lower(header.name);
        if (name.starts_with(kPrefix)) conditions.add(name.substr(kPrefix.size()), header.value);
    }
    if (evaluate_conditions(conditions, object.info.etag, object.info.modified) != Condition::met)
        co_return precondition_failed();
    co_return object;
}

Task<net::Response> copy_object(Turn& turn) {
    AC_CO_CHECK(check_put_headers(turn.headers()));
    AC_CO_TRY(objects::ObjectKey source,
              parse_copy_source(turn.headers().get("x-amz-copy-source")));
    AC_CO_CHECK(co_await open_copy_source(turn));
    const bool replace =
        equals_ignoring_case(turn.headers().get("x-amz-metadata-directive"), "replace");
    if (!replace && source.bucket == turn.request.bucket && source.key == turn.request.key)
        co_return s3_fail(ErrorCode::invalid_argument, "InvalidRequest",
                          "This copy request is illegal because it is trying to copy an object to "
                          "itself without changing the object's metadata.");
    std::optional<objects::Attributes> attributes;
    if (replace) attributes = stored_attributes(turn.headers());
    AC_CO_TRY(const objects::ObjectInfo object,
              co_await turn.objects.copy(turn.call.scope, std::move(source), turn.key(),
                                         std::move(attributes)));
    XmlWriter xml;
    xml.open("CopyObjectResult");
    xml.time("LastModified", object.modified);
    xml.text("ETag", in_quotes(object.etag));
    xml.close("CopyObjectResult");
    co_return xml_response(xml.take());
}

Task<> get_object(Turn& turn) {
    const bool head_only = turn.request.method == "HEAD";
    AC_CO_TRY(const objects::OpenObject object,
              co_await turn.objects.open(turn.call.scope, turn.key()));
    net::ResponseHead head;
    head.headers = object_headers(turn, object.info);
    AC_CO_TRY(Extent extent, choose_extent(turn, object.info, head.headers));
    head.status = extent.status;
    head.headers.add("x-amz-request-id", turn.call.request_id);
    AC_CO_CHECK(co_await turn.exchange.start(std::move(head)));
    if (head_only || extent.status == 304) co_return co_await turn.exchange.finish();
    co_return co_await stream(turn.exchange, *object.reader, extent);
}

Task<net::Response> delete_object(Turn& turn) {
    AC_CO_CHECK(co_await turn.objects.remove(turn.call.scope, turn.key()));
    co_return net::Response{.status = 204};
}

Task<net::Response> delete_objects(Turn& turn) {
    AC_CO_TRY(const std::string text, co_await turn.read_document());
    AC_CO_TRY(const DeleteRequest request, parse_delete(text));
    if (request.has_versions)
        co_return s3_fail(ErrorCode::not_implemented, "NotImplemented",
                          "Object versions are not implemented.");
    AC_CO_CHECK(co_await turn.objects.find_bucket(turn.call.scope, turn.request.bucket));
    XmlWriter xml;
    xml.open("DeleteResult");
    for (const std::string& key : request.keys) {
        const std::string arn = s3_object_arn(turn.request.bucket, key);
        Result<> removed = turn.call.may ? turn.call.may("s3:DeleteObject", arn, {}) : Result<>();
        if (removed) {
            objects::ObjectKey name{turn.request.bucket, key};
            removed = co_await turn.objects.remove(turn.call.scope, std::move(name));
        }
        if (removed && request.quiet) continue;
        xml.open(removed ? "Deleted" : "Error");
        xml.text("Key", key);
        if (!removed) {
            const S3Error error = map_s3_error(removed.error());
            xml.text("Code", error.code);
            xml.text("Message", error.message);
        }
        xml.close(removed ? "Deleted" : "Error");
    }
    xml.close("DeleteResult");
    co_return xml_response(xml.take());
}

}  // namespace ac::wire::s3
