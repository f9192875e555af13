#include <algorithm>
#include <charconv>
#include <span>

#include "objects/limits.h"
#include "wire/s3_error.h"
#include "wire/s3_handlers.h"
#include "wire/s3_limits.h"
#include "wire/s3_xml.h"

namespace ac::wire::s3 {
namespace {

Result<int> part_number(const S3Request& request) {
    const std::string text = request.get("partNumber");
    int number = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || number < 1 ||
        number > objects::kPartNumberMax)
        return s3_fail(ErrorCode::invalid_argument, "InvalidArgument",
                       "Part number must be an integer between 1 and 10000, inclusive");
    return number;
}

}  // namespace

Task<net::Response> create_upload(Turn& turn) {
    AC_CO_CHECK(check_put_headers(turn.headers()));
    AC_CO_TRY(const std::string id,
              co_await turn.objects.create_upload(turn.call.scope, turn.key(),
                                                  stored_attributes(turn.headers())));
    XmlWriter xml;
    xml.open("InitiateMultipartUploadResult");
    xml.text("Bucket", turn.request.bucket);
    xml.text("Key", turn.request.key);
    xml.text("UploadId", id);
    xml.close("InitiateMultipartUploadResult");
    net::Response response = xml_response(xml.take());
    if (const auto algorithm = turn.headers().find("x-amz-checksum-algorithm"))
        response.headers.add("x-amz-checksum-algorithm", std::string(*algorithm));
    co_return response;
}

Task<net::Response> put_part(Turn& turn) {
    AC_CO_TRY(const int number, part_number(turn.request));
    AC_CO_TRY(PayloadTerms terms,
              payload_terms(turn.headers(), turn.call.content_sha256, *turn.call.verified));
    // An upload that does not exist is refused before its bytes are taken in.
    AC_CO_CHECK(co_await turn.objects.list_parts(turn.call.scope, turn.upload(), number, 0));
    AC_CO_TRY(auto writer, co_await turn.objects.begin());
    AC_CO_TRY(const Received received, co_await receive_blob(turn.exchange.body(), std::move(terms),
                                                             *writer, objects::kPutBytesMax));
    AC_CO_TRY(
        const objects::Part part,
        co_await turn.objects.put_part(turn.call.scope, turn.upload(), number, std::move(writer)));
    net::Response response;
    response.headers.add("ETag", in_quotes(part.etag));
    for (const auto& [name, value] : received.checksum) response.headers.add(name, value);
    co_return response;
}

Task<net::Response> copy_part(Turn& turn) {
    AC_CO_TRY(const int number, part_number(turn.request));
    AC_CO_CHECK(co_await turn.objects.list_parts(turn.call.scope, turn.upload(), number, 0));
    AC_CO_TRY(const objects::OpenObject source, co_await open_copy_source(turn));
    AC_CO_TRY(const auto range,
              parse_range(turn.headers().get("x-amz-copy-source-range"), source.info.size));
    std::uint64_t offset = range ? range->first : 0;
    const std::uint64_t end = range ? range->last + 1 : source.info.size;
    if (end - offset > objects::kPutBytesMax)
        co_return s3_fail(ErrorCode::too_large, "EntityTooLarge", "The part is too large");
    AC_CO_TRY(auto writer, co_await turn.objects.begin());
    std::string buffer(kS3StepBytes, '\0');
    while (offset < end) {
        const std::span<char> out(buffer.data(),
                                  std::min<std::uint64_t>(buffer.size(), end - offset));
        AC_CO_TRY(const std::size_t n, co_await source.reader->read_at(offset, out));
        if (n == 0) co_return fail(ErrorCode::internal, "a blob is shorter than its object");
        const std::string_view bytes(buffer.data(), n);
        AC_CO_CHECK(co_await writer->write(bytes));
        offset += n;
    }
    AC_CO_TRY(
        const objects::Part part,
        co_await turn.objects.put_part(turn.call.scope, turn.upload(), number, std::move(writer)));
    XmlWriter xml;
    xml.open("CopyPartResult");
    xml.time("LastModified", part.modified);
    xml.text("ETag", in_quotes(part.etag));
    xml.close("CopyPartResult");
    co_return xml_response(xml.take());
}

Task<net::Response> complete_upload(Turn& turn) {
    AC_CO_TRY(const std::string text, co_await turn.read_document());
    AC_CO_TRY(auto parts, parse_complete_upload(text));
    AC_CO_TRY(
        const objects::ObjectInfo object,
        co_await turn.objects.complete_upload(turn.call.scope, turn.upload(), std::move(parts)));
    XmlWriter xml;
    xml.open("CompleteMultipartUploadResult");
    xml.text("Location", "/" + turn.request.bucket + "/" + turn.request.key);
    xml.text("Bucket", turn.request.bucket);
    xml.text("Key", turn.request.key);
    xml.text("ETag", in_quotes(object.etag));
    xml.close("CompleteMultipartUploadResult");
    co_return xml_response(xml.take());
}

Task<net::Response> abort_upload(Turn& turn) {
    AC_CO_CHECK(co_await turn.objects.abort_upload(turn.call.scope, turn.upload()));
    co_return net::Response{.status = 204};
}

}  // namespace ac::wire::s3
