#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "objects/limits.h"
#include "wire/s3_error.h"
#include "wire/s3_handlers.h"
#include "wire/s3_limits.h"
#include "wire/s3_xml.h"

namespace ac::wire::s3 {
namespace {

Result<std::size_t> bounded_number(const S3Request& request, std::string_view name,
                                   std::size_t max) {
    const std::string* text = request.find(name);
    if (text == nullptr || text->empty()) return max;
    std::size_t value = 0;
    const auto parsed = std::from_chars(text->data(), text->data() + text->size(), value);
    if (parsed.ec != std::errc() || parsed.ptr != text->data() + text->size())
        return s3_fail(ErrorCode::invalid_argument, "InvalidArgument",
                       "Argument " + std::string(name) + " must be a number");
    return std::min(value, max);
}

// Keys as the client asked for them: percent-encoded with encoding-type=url.
class KeyText final {
  public:
    explicit KeyText(const S3Request& request) : encoded_(request.get("encoding-type") == "url") {}
    std::string operator()(std::string_view key) const {
        return encoded_ ? percent_encode(key, "/") : std::string(key);
    }
    void announce(XmlWriter& xml) const {
        if (encoded_) xml.text("EncodingType", "url");
    }

  private:
    const bool encoded_;
};

Result<> check_encoding_type(const S3Request& request) {
    const std::string* type = request.find("encoding-type");
    if (type == nullptr || *type == "url") return {};
    return s3_fail(ErrorCode::invalid_argument, "InvalidArgument",
                   "Invalid Encoding Method specified in Request");
}

void write_entries(XmlWriter& xml, const objects::ListPage& page, const KeyText& key_text) {
    for (const objects::ObjectInfo& object : page.objects) {
        xml.open("Contents");
        xml.text("Key", key_text(object.key));
        xml.time("LastModified", object.modified);
        xml.text("ETag", in_quotes(object.etag));
        xml.number("Size", object.size);
        xml.text("StorageClass", "STANDARD");
        xml.close("Contents");
    }
    for (const std::string& prefix : page.common_prefixes) {
        xml.open("CommonPrefixes");
        xml.text("Prefix", key_text(prefix));
        xml.close("CommonPrefixes");
    }
}

}  // namespace

// V2 (list-type=2) goes on by token, V1 by marker.
Task<net::Response> list_objects(Turn& turn) {
    const S3Request& request = turn.request;
    const bool v2 = request.get("list-type") == "2";
    AC_CO_CHECK(check_encoding_type(request));
    AC_CO_TRY(const std::size_t keys_max,
              bounded_number(request, "max-keys", objects::kListKeysMax));
    const objects::ListOptions options{
        .prefix = request.get("prefix"),
        .delimiter = request.get("delimiter"),
        .start_after = request.get(v2 ? "start-after" : "marker"),
        .token = v2 ? request.get("continuation-token") : std::string(),
        .keys_max = keys_max};
    AC_CO_TRY(const objects::ListPage page,
              co_await turn.objects.list(turn.call.scope, request.bucket, options));
    const KeyText key_text(request);
    XmlWriter xml;
    xml.open("ListBucketResult");
    xml.text("Name", request.bucket);
    xml.text("Prefix", key_text(options.prefix));
    if (!options.delimiter.empty()) xml.text("Delimiter", key_text(options.delimiter));
    xml.number("MaxKeys", keys_max);
    key_text.announce(xml);
    xml.boolean("IsTruncated", page.truncated);
    if (v2) {
        xml.number("KeyCount", page.objects.size() + page.common_prefixes.size());
        if (!options.token.empty()) xml.text("ContinuationToken", options.token);
        if (page.truncated) xml.text("NextContinuationToken", page.next_token);
        if (!options.start_after.empty()) xml.text("StartAfter", key_text(options.start_after));
    } else {
        xml.text("Marker", key_text(options.start_after));
        if (page.truncated) xml.text("NextMarker", key_text(page.next_marker));
    }
    write_entries(xml, page, key_text);
    xml.close("ListBucketResult");
    co_return xml_response(xml.take());
}

Task<net::Response> list_uploads(Turn& turn) {
    const S3Request& request = turn.request;
    AC_CO_CHECK(check_encoding_type(request));
    std::string prefix = request.get("prefix");
    AC_CO_TRY(const auto uploads,
              co_await turn.objects.list_uploads(turn.call.scope, request.bucket, prefix));
    const KeyText key_text(request);
    XmlWriter xml;
    xml.open("ListMultipartUploadsResult");
    xml.text("Bucket", request.bucket);
    xml.text("Prefix", key_text(prefix));
    xml.number("MaxUploads", objects::kListKeysMax);
    key_text.announce(xml);
    xml.boolean("IsTruncated", false);
    for (const objects::Upload& upload : uploads) {
        xml.open("Upload");
        xml.text("Key", key_text(upload.key));
        xml.text("UploadId", upload.id);
        xml.time("Initiated", upload.created);
        xml.text("StorageClass", "STANDARD");
        xml.close("Upload");
    }
    xml.close("ListMultipartUploadsResult");
    co_return xml_response(xml.take());
}

Task<net::Response> list_parts(Turn& turn) {
    const S3Request& request = turn.request;
    AC_CO_TRY(const std::size_t parts_max, bounded_number(request, "max-parts", kS3PartsPageMax));
    std::size_t after = 0;
    if (request.has("part-number-marker")) {
        AC_CO_TRY(after, bounded_number(request, "part-number-marker", objects::kPartNumberMax));
    }
    AC_CO_TRY(const objects::PartPage page,
              co_await turn.objects.list_parts(turn.call.scope, turn.upload(),
                                               static_cast<int>(after), parts_max));
    XmlWriter xml;
    xml.open("ListPartsResult");
    xml.text("Bucket", request.bucket);
    xml.text("Key", KeyText(request)(request.key));
    xml.text("UploadId", request.get("uploadId"));
    xml.number("PartNumberMarker", after);
    if (page.truncated && !page.parts.empty())
        xml.number("NextPartNumberMarker", static_cast<std::uint64_t>(page.parts.back().number));
    xml.number("MaxParts", parts_max);
    xml.boolean("IsTruncated", page.truncated);
    for (const objects::Part& part : page.parts) {
        xml.open("Part");
        xml.number("PartNumber", static_cast<std::uint64_t>(part.number));
        xml.time("LastModified", part.modified);
        xml.text("ETag", in_quotes(part.etag));
        xml.number("Size", part.size);
        xml.close("Part");
    }
    xml.text("StorageClass", "STANDARD");
    xml.close("ListPartsResult");
    co_return xml_response(xml.take());
}

}  // namespace ac::wire::s3
