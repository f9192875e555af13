#include <array>

#include "objects/limits.h"
#include "wire/s3_error.h"
#include "wire/s3_handlers.h"
#include "wire/s3_limits.h"
#include "wire/s3_xml.h"

namespace ac::wire::s3 {
namespace {

struct Document {
    std::string_view kind;     // query parameter
    std::string_view element;  // outermost
    std::string_view absent;   // error code
    int put_status;
};

// Kept for the tools that set and read them back. Lifecycle rules are not acted on; there is no
// public access that could be blocked.
constexpr std::array<Document, 3> kDocuments = {
    {{"lifecycle", "LifecycleConfiguration", "NoSuchLifecycleConfiguration", 200},
     {"publicAccessBlock", "PublicAccessBlockConfiguration", "NoSuchPublicAccessBlockConfiguration",
      200},
     {"tagging", "Tagging", "NoSuchTagSet", 204}}};

const Document* document_of(const S3Request& request) {
    for (const Document& document : kDocuments)
        if (request.has(document.kind)) return &document;
    return nullptr;
}

// us-east-1 is the region without a name.
constexpr std::string_view kUnnamedRegion = "us-east-1";

}  // namespace

Task<std::string> Turn::read_document() {
    AC_CO_TRY(PayloadTerms terms, payload_terms(headers(), call.content_sha256, *call.verified));
    co_return co_await receive_text(exchange.body(), std::move(terms), kS3XmlBytesMax);
}

net::Response xml_response(std::string xml) {
    return {
        .status = 200, .headers = {{"Content-Type", "application/xml"}}, .body = std::move(xml)};
}

std::string in_quotes(std::string_view etag) {
    std::string text = "\"";
    text += etag;
    text += '"';
    return text;
}

Task<net::Response> list_buckets(Turn& turn) {
    AC_CO_TRY(const auto buckets, co_await turn.objects.list_buckets(turn.call.scope));
    const std::string prefix = turn.request.get("prefix");
    XmlWriter xml;
    xml.open("ListAllMyBucketsResult");
    xml.open("Owner");
    xml.text("ID", turn.call.principal.account);
    xml.close("Owner");
    xml.open("Buckets");
    for (const objects::Bucket& bucket : buckets) {
        if (!bucket.name.starts_with(prefix)) continue;
        xml.open("Bucket");
        xml.text("Name", bucket.name);
        xml.time("CreationDate", bucket.created);
        xml.text("BucketRegion", bucket.region);
        xml.close("Bucket");
    }
    xml.close("Buckets");
    xml.close("ListAllMyBucketsResult");
    co_return xml_response(xml.take());
}

Task<net::Response> create_bucket(Turn& turn) {
    AC_CO_TRY(const std::string text, co_await turn.read_document());
    AC_CO_TRY(std::string location, parse_location_constraint(text));
    Scope scope = turn.call.scope;
    if (!location.empty()) scope.region = location == "EU" ? "eu-west-1" : std::move(location);
    auto created = co_await turn.objects.create_bucket(scope, turn.request.bucket);
    // The one region where making one's bucket again succeeds, as S3 documents it.
    const bool again = !created && scope.region == kUnnamedRegion &&
                       created.error().reason == objects::reason::kBucketAlreadyOwnedByYou;
    if (!created && !again) co_return std::unexpected(std::move(created).error());
    net::Response response;
    response.headers.add("Location", "/" + turn.request.bucket);
    co_return response;
}

Task<net::Response> head_bucket(Turn& turn) {
    AC_CO_TRY(const objects::Bucket bucket,
              co_await turn.objects.find_bucket(turn.call.scope, turn.request.bucket));
    net::Response response;
    response.headers.add("x-amz-bucket-region", bucket.region);
    response.headers.add("Content-Type", "application/xml");
    co_return response;
}

Task<net::Response> delete_bucket(Turn& turn) {
    AC_CO_CHECK(co_await turn.objects.delete_bucket(turn.call.scope, turn.request.bucket));
    co_return net::Response{.status = 204};
}

Task<net::Response> get_location(Turn& turn) {
    AC_CO_TRY(const objects::Bucket bucket,
              co_await turn.objects.find_bucket(turn.call.scope, turn.request.bucket));
    XmlWriter xml;
    // The outermost element holds the region itself.
    xml.open("LocationConstraint");
    xml.raw(bucket.region == kUnnamedRegion ? "" : bucket.region);
    xml.close("LocationConstraint");
    co_return xml_response(xml.take());
}

Task<net::Response> get_versioning(Turn& turn) {
    AC_CO_CHECK(co_await turn.objects.find_bucket(turn.call.scope, turn.request.bucket));
    XmlWriter xml;
    xml.open("VersioningConfiguration");  // empty: was never switched on
    xml.close("VersioningConfiguration");
    co_return xml_response(xml.take());
}

std::string_view document_kind(const S3Request& request) {
    const Document* document = document_of(request);
    return document == nullptr ? std::string_view() : document->kind;
}

Task<net::Response> put_document(Turn& turn) {
    const Document& document = *document_of(turn.request);
    AC_CO_TRY(std::string text, co_await turn.read_document());
    if (text.size() > objects::kDocumentBytesMax)
        co_return s3_fail(ErrorCode::too_large, "EntityTooLarge", "The document is too large");
    AC_CO_CHECK(check_document(text, document.element));
    std::string kind(document.kind);
    AC_CO_CHECK(co_await turn.objects.put_document(turn.call.scope, turn.request.bucket,
                                                   std::move(kind), std::move(text)));
    co_return net::Response{.status = document.put_status};
}

Task<net::Response> get_document(Turn& turn) {
    const Document& document = *document_of(turn.request);
    std::string kind(document.kind);
    AC_CO_TRY(auto text, co_await turn.objects.find_document(turn.call.scope, turn.request.bucket,
                                                             std::move(kind)));
    if (!text)
        co_return s3_fail(ErrorCode::not_found, document.absent,
                          "The bucket has no such configuration");
    co_return xml_response(*std::move(text));
}

Task<net::Response> delete_document(Turn& turn) {
    std::string kind(document_of(turn.request)->kind);
    AC_CO_CHECK(co_await turn.objects.delete_document(turn.call.scope, turn.request.bucket,
                                                      std::move(kind)));
    co_return net::Response{.status = 204};
}

}  // namespace ac::wire::s3
