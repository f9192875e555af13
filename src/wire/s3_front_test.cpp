// The front over a real server, store and disk; requests as clients send them.
#include "wire/s3_front.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "net/testing/server_fixture.h"
#include "sigv4/canonical.h"
#include "storage/testing/temporary_folder.h"

namespace ac::wire {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class S3FrontTest : public ::testing::Test {
  protected:
    void SetUp() override {
        database_ = storage::open_sqlite({.path = (folder_.path() / "db").string()}).value();
        blobs_ = storage::open_blob_store(folder_.path() / "blobs", pool_).value();
        objects_ = std::make_unique<objects::ObjectStore>(objects::ObjectStoreParts{
            .database = *database_, .blobs = *blobs_, .clock = clock_, .random = random_});
        ASSERT_TRUE(run_on(loop_, objects_->start()));
        front_ = make_s3_front(*objects_);
        seed_.signing_key = sigv4::derive_key("secret", "20260101", "us-west-2", "s3");
        seed_.scope = "20260101/us-west-2/s3/aws4_request";
        seed_.amz_date = "20260101T000000Z";
        seed_.signature = std::string(64, 'a');
        server_ = std::make_unique<net::testing::TestServer>(
            [this](net::Exchange& exchange) { return serve(exchange); });
        ask("PUT", "/bucket");
    }

    Detached serve(net::Exchange& exchange) {
        S3Call call;
        call.request_id = "request-1";
        call.scope = {"000000000000", "us-west-2"};
        call.principal.account = "000000000000";
        call.now = clock_.wall();
        call.content_sha256 = exchange.request().headers.get("x-amz-content-sha256");
        if (!exchange.request().headers.contains("x-test-unsigned")) call.verified = seed_;
        return front_->serve(exchange, std::move(call));
    }

    std::string ask(std::string_view method, std::string_view target, std::string_view body = {},
                    std::string_view headers = {}) {
        return server_->ask(
            fmt::format("{} {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        "Content-Length: {}\r\n{}\r\n{}",
                        method, target, body.size(), headers, body));
    }
    std::string put_chunked(std::string_view coded, std::size_t length, std::string_view kind,
                            std::string_view headers = {}) {
        return ask("PUT", "/bucket/chunked", coded,
                   fmt::format("x-amz-content-sha256: {}\r\nx-amz-decoded-content-length: {}\r\n{}",
                               kind, length, headers));
    }
    static std::string body_of(const std::string& response) {
        return response.substr(response.find("\r\n\r\n") + 4);
    }
    static std::string between(const std::string& text, std::string_view from,
                               std::string_view to) {
        const auto start = text.find(from) + from.size();
        return text.substr(start, text.find(to, start) - start);
    }

    Loop loop_;  // outlives the threads that wake it
    ThreadPool pool_{2};
    storage::testing::TemporaryFolder folder_;
    ManualClock clock_;
    SeededRandom random_{1};
    sigv4::Verified seed_;
    std::unique_ptr<storage::Database> database_;
    std::unique_ptr<storage::BlobStore> blobs_;
    std::unique_ptr<objects::ObjectStore> objects_;
    std::unique_ptr<S3Front> front_;
    std::unique_ptr<net::testing::TestServer> server_;
};

constexpr std::string_view kOk = "HTTP/1.1 200";

TEST_F(S3FrontTest, an_unverified_request_is_refused_in_xml) {
    const auto response = ask("GET", "/", "", "x-test-unsigned: 1\r\n");
    EXPECT_THAT(response, StartsWith("HTTP/1.1 403"));
    EXPECT_THAT(response, HasSubstr("<Code>AccessDenied</Code>"));
    EXPECT_THAT(response, HasSubstr("<RequestId>request-1</RequestId>"));
}

TEST_F(S3FrontTest, an_object_is_put_read_headed_and_deleted) {
    const auto stored = ask("PUT", "/bucket/a%20b/c.txt", "hello",
                            "Content-Type: text/plain\r\nx-amz-meta-Name: v\r\n");
    EXPECT_THAT(stored, StartsWith(kOk));
    EXPECT_THAT(stored, HasSubstr("ETag: \"5d41402abc4b2a76b9719d911017c592\""));
    EXPECT_THAT(stored, HasSubstr("x-amz-request-id: request-1"));
    const auto found = ask("GET", "/bucket/a%20b/c.txt");
    EXPECT_THAT(found, StartsWith(kOk));
    EXPECT_EQ(body_of(found), "hello");
    EXPECT_THAT(found, HasSubstr("content-type: text/plain"));
    EXPECT_THAT(found, HasSubstr("x-amz-meta-name: v"));
    EXPECT_THAT(found, HasSubstr("Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT"));
    const auto head = ask("HEAD", "/bucket/a%20b/c.txt");
    EXPECT_THAT(head, HasSubstr("Content-Length: 5"));
    EXPECT_EQ(body_of(head), "");
    EXPECT_THAT(ask("DELETE", "/bucket/a%20b/c.txt"), StartsWith("HTTP/1.1 204"));
    EXPECT_THAT(ask("GET", "/bucket/a%20b/c.txt"), HasSubstr("<Code>NoSuchKey</Code>"));
    EXPECT_THAT(ask("HEAD", "/bucket/a%20b/c.txt"), StartsWith("HTTP/1.1 404"));
}

TEST_F(S3FrontTest, a_large_object_streams_both_ways) {
    std::string bytes(3'000'000, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
    EXPECT_THAT(ask("PUT", "/bucket/large", bytes), StartsWith(kOk));
    EXPECT_TRUE(body_of(ask("GET", "/bucket/large")) == bytes);
}

TEST_F(S3FrontTest, ranges_and_conditions_are_honoured) {
    ask("PUT", "/bucket/key", "0123456789");
    const auto part = ask("GET", "/bucket/key", "", "Range: bytes=2-4\r\n");
    EXPECT_THAT(part, StartsWith("HTTP/1.1 206"));
    EXPECT_THAT(part, HasSubstr("Content-Range: bytes 2-4/10"));
    EXPECT_EQ(body_of(part), "234");
    EXPECT_EQ(body_of(ask("GET", "/bucket/key", "", "Range: bytes=-3\r\n")), "789");
    EXPECT_EQ(body_of(ask("GET", "/bucket/key", "", "Range: bytes=8-\r\n")), "89");
    EXPECT_THAT(ask("GET", "/bucket/key", "", "Range: bytes=10-\r\n"),
                HasSubstr("<Code>InvalidRange</Code>"));
    const std::string etag = "\"" + md5_hex("0123456789") + "\"";
    EXPECT_THAT(ask("GET", "/bucket/key", "", "If-None-Match: " + etag + "\r\n"),
                StartsWith("HTTP/1.1 304"));
    EXPECT_THAT(ask("GET", "/bucket/key", "", "If-Match: \"other\"\r\n"),
                StartsWith("HTTP/1.1 412"));
}

TEST_F(S3FrontTest, what_the_client_said_about_its_bytes_is_verified) {
    const auto put = [this](std::string_view headers) {
        return ask("PUT", "/bucket/checked", "123456789", headers);
    };
    for (const char* good :
         {"x-amz-checksum-crc32: y/Q5Jg==\r\n", "x-amz-checksum-crc32c: 4waSgw==\r\n",
          "x-amz-checksum-crc64nvme: rosUhgp5mIg=\r\n",
          "x-amz-checksum-sha1: 98O8HYCOBHMq32eZZczDTKeuNEE=\r\n",
          "x-amz-checksum-sha256: FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=\r\n",
          "Content-MD5: JfnnlDI7RTiF9RgfG2JNCw==\r\n"})
        EXPECT_THAT(put(good), StartsWith(kOk)) << good;
    EXPECT_THAT(put("x-amz-content-sha256: " + sha256_hex("123456789") + "\r\n"), StartsWith(kOk));
    for (const char* bad : {"x-amz-checksum-crc32: AAAAAA==\r\n", "x-amz-checksum-sha256: x\r\n",
                            "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n"})
        EXPECT_THAT(put(bad), HasSubstr("<Code>BadDigest</Code>")) << bad;
    EXPECT_THAT(put("Content-MD5: nonsense\r\n"), HasSubstr("<Code>InvalidDigest</Code>"));
    EXPECT_THAT(put("x-amz-content-sha256: " + sha256_hex("else") + "\r\n"),
                HasSubstr("<Code>XAmzContentSHA256Mismatch</Code>"));
}

TEST_F(S3FrontTest, a_checksum_comes_back_when_asked_for) {
    ask("PUT", "/bucket/key", "123456789", "x-amz-checksum-crc32: y/Q5Jg==\r\n");
    EXPECT_THAT(ask("GET", "/bucket/key"), Not(HasSubstr("x-amz-checksum-crc32")));
    EXPECT_THAT(ask("GET", "/bucket/key", "", "x-amz-checksum-mode: ENABLED\r\n"),
                HasSubstr("x-amz-checksum-crc32: y/Q5Jg=="));
    const std::string etag = md5_hex("123456789");
    for (const std::string& other :
         {std::string("Range: bytes=0-1"), "If-None-Match: \"" + etag + "\""})
        EXPECT_THAT(
            ask("GET", "/bucket/key", "", "x-amz-checksum-mode: ENABLED\r\n" + other + "\r\n"),
            Not(HasSubstr("x-amz-checksum")));
}

TEST_F(S3FrontTest, unsigned_chunks_with_a_checksum_in_the_trailer) {
    const std::string kind = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
    const std::string trailer = "x-amz-trailer: x-amz-checksum-crc32\r\n";
    const auto stored = put_chunked(
        "4\r\n1234\r\n5\r\n56789\r\n0\r\n"
        "x-amz-checksum-crc32:y/Q5Jg==\r\n\r\n",
        9, kind, trailer + "Content-Encoding: aws-chunked\r\n");
    EXPECT_THAT(stored, StartsWith(kOk));
    EXPECT_THAT(stored, HasSubstr("x-amz-checksum-crc32: y/Q5Jg=="));
    const auto found = ask("GET", "/bucket/chunked");
    EXPECT_EQ(body_of(found), "123456789");
    EXPECT_THAT(found, Not(HasSubstr("aws-chunked")));
    EXPECT_THAT(
        put_chunked("1\r\nx\r\n0\r\nx-amz-checksum-crc32:y/Q5Jg==\r\n\r\n", 1, kind, trailer),
        HasSubstr("<Code>BadDigest</Code>"));
    EXPECT_THAT(put_chunked("1\r\nx\r\n0\r\n\r\n", 1, kind, trailer),
                HasSubstr("<Code>InvalidRequest</Code>"));
    EXPECT_THAT(put_chunked("1\r\nx\r\n", 1, kind), HasSubstr("<Code>IncompleteBody</Code>"));
    EXPECT_THAT(put_chunked("1\r\nx\r\n0\r\n\r\n", 2, kind),
                HasSubstr("<Code>IncompleteBody</Code>"));
}

TEST_F(S3FrontTest, each_signed_chunk_is_verified) {
    const auto first = sigv4::chunk_signature(seed_, seed_.signature, sha256_hex("hello"));
    const auto last = sigv4::chunk_signature(seed_, first, sha256_hex(""));
    const auto coded = [&](std::string_view content, std::string_view end) {
        return fmt::format("5;chunk-signature={}\r\n{}\r\n0;chunk-signature={}\r\n\r\n", first,
                           content, end);
    };
    const std::string kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    EXPECT_THAT(put_chunked(coded("hello", last), 5, kind), StartsWith(kOk));
    EXPECT_THAT(put_chunked(coded("jello", last), 5, kind),
                HasSubstr("<Code>SignatureDoesNotMatch</Code>"));
    EXPECT_THAT(put_chunked(coded("hello", first), 5, kind),
                HasSubstr("<Code>SignatureDoesNotMatch</Code>"));
    EXPECT_THAT(put_chunked("5\r\nhello\r\n0\r\n\r\n", 5, kind),
                HasSubstr("<Code>SignatureDoesNotMatch</Code>"));
    EXPECT_EQ(body_of(ask("GET", "/bucket/chunked")), "hello");
}

TEST_F(S3FrontTest, a_signed_trailer_is_verified) {
    const auto first = sigv4::chunk_signature(seed_, seed_.signature, sha256_hex("123456789"));
    const auto last = sigv4::chunk_signature(seed_, first, sha256_hex(""));
    const std::string line = "x-amz-checksum-crc32:y/Q5Jg==";
    const auto end = sigv4::trailer_signature(seed_, last, line + "\n");
    const auto put = [&](std::string_view signature) {
        return put_chunked(fmt::format("9;chunk-signature={}\r\n123456789\r\n0;chunk-signature={}"
                                       "\r\n{}\r\nx-amz-trailer-signature:{}\r\n\r\n",
                                       first, last, line, signature),
                           9, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
                           "x-amz-trailer: x-amz-checksum-crc32\r\n");
    };
    EXPECT_THAT(put(end), StartsWith(kOk));
    EXPECT_THAT(put(last), HasSubstr("<Code>SignatureDoesNotMatch</Code>"));
}

TEST_F(S3FrontTest, buckets_are_made_listed_located_and_deleted) {
    EXPECT_THAT(ask("PUT", "/bucket"), HasSubstr("<Code>BucketAlreadyOwnedByYou</Code>"));
    EXPECT_THAT(ask("PUT", "/other",
                    "<CreateBucketConfiguration><LocationConstraint>eu-central-1"
                    "</LocationConstraint></CreateBucketConfiguration>"),
                StartsWith(kOk));
    EXPECT_THAT(ask("PUT", "/Other"), HasSubstr("<Code>InvalidBucketName</Code>"));
    EXPECT_THAT(ask("PUT", "/third", "<CreateBucket"), HasSubstr("<Code>MalformedXML</Code>"));
    EXPECT_THAT(ask("GET", "/"), HasSubstr("<Name>bucket</Name>"));
    EXPECT_THAT(ask("HEAD", "/other"), HasSubstr("x-amz-bucket-region: eu-central-1"));
    EXPECT_THAT(ask("HEAD", "/absent"), StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(ask("GET", "/other?location"), HasSubstr(">eu-central-1</LocationConstraint>"));
    EXPECT_THAT(ask("DELETE", "/other"), StartsWith("HTTP/1.1 204"));
    EXPECT_THAT(ask("HEAD", "/bucket", "", "x-amz-expected-bucket-owner: 111111111111\r\n"),
                StartsWith("HTTP/1.1 403"));
}

TEST_F(S3FrontTest, lists_are_xml_with_encoded_keys) {
    for (const char* key : {"a%26b", "dir/one", "dir/two"})
        ask("PUT", fmt::format("/bucket/{}", key));
    const auto plain = ask("GET", "/bucket?list-type=2");
    EXPECT_THAT(plain, HasSubstr("<Key>a&amp;b</Key>"));
    EXPECT_THAT(plain, HasSubstr("<KeyCount>3</KeyCount>"));
    const auto folded = ask("GET", "/bucket?list-type=2&delimiter=%2F&encoding-type=url");
    EXPECT_THAT(folded, HasSubstr("<Key>a%26b</Key>"));
    EXPECT_THAT(folded, HasSubstr("<CommonPrefixes><Prefix>dir/</Prefix></CommonPrefixes>"));
    const auto page = ask("GET", "/bucket?list-type=2&max-keys=1");
    const auto token = between(page, "<NextContinuationToken>", "<");
    EXPECT_THAT(ask("GET", "/bucket?list-type=2&continuation-token=" + token),
                Not(HasSubstr("a&amp;b")));
    EXPECT_THAT(ask("GET", "/bucket?marker=dir%2Fone"), HasSubstr("<Key>dir/two</Key>"));
    EXPECT_THAT(ask("GET", "/bucket?max-keys=x"), HasSubstr("<Code>InvalidArgument</Code>"));
}

TEST_F(S3FrontTest, several_objects_are_deleted_at_once) {
    for (const char* key : {"a", "b", "c"}) ask("PUT", fmt::format("/bucket/{}", key));
    const auto response = ask("POST", "/bucket?delete",
                              "<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object>"
                              "</Delete>");
    EXPECT_THAT(response, HasSubstr("<Deleted><Key>b</Key></Deleted>"));
    EXPECT_THAT(ask("GET", "/bucket?list-type=2"), HasSubstr("<KeyCount>1</KeyCount>"));
    EXPECT_THAT(ask("POST", "/bucket?delete", "<!DOCTYPE x [<!ENTITY e 'x'>]><Delete/>"),
                HasSubstr("<Code>MalformedXML</Code>"));
}

TEST_F(S3FrontTest, an_object_is_copied_with_or_without_its_metadata) {
    ask("PUT", "/bucket/from", "bytes", "x-amz-meta-a: 1\r\n");
    EXPECT_THAT(ask("PUT", "/bucket/to", "", "x-amz-copy-source: /bucket/from\r\n"),
                HasSubstr("<CopyObjectResult"));
    EXPECT_THAT(ask("GET", "/bucket/to"), HasSubstr("x-amz-meta-a: 1"));
    ask("PUT", "/bucket/to", "",
        "x-amz-copy-source: bucket/from\r\nx-amz-metadata-directive: REPLACE\r\n");
    const auto replaced = ask("GET", "/bucket/to");
    EXPECT_THAT(replaced, Not(HasSubstr("x-amz-meta-a")));
    EXPECT_EQ(body_of(replaced), "bytes");
    EXPECT_THAT(ask("PUT", "/bucket/from", "", "x-amz-copy-source: bucket/from\r\n"),
                HasSubstr("<Code>InvalidRequest</Code>"));
    EXPECT_THAT(ask("PUT", "/bucket/x", "", "x-amz-copy-source: bucket/none\r\n"),
                HasSubstr("<Code>NoSuchKey</Code>"));
}

TEST_F(S3FrontTest, an_upload_in_parts) {
    const auto started = ask("POST", "/bucket/big?uploads", "", "Content-Type: a/b\r\n");
    const auto id = between(started, "<UploadId>", "<");
    const std::string first(5 << 20, 'x');
    const auto part = [&](int number) {
        return fmt::format("/bucket/big?partNumber={}&uploadId={}", number, id);
    };
    EXPECT_THAT(ask("PUT", part(1), first), StartsWith(kOk));
    ask("PUT", "/bucket/source", "0123456789");
    EXPECT_THAT(ask("PUT", part(2), "",
                    "x-amz-copy-source: bucket/source\r\nx-amz-copy-source-range: bytes=0-3\r\n"),
                HasSubstr("<CopyPartResult"));
    EXPECT_THAT(ask("GET", "/bucket/big?uploadId=" + id), HasSubstr("<PartNumber>2</PartNumber>"));
    EXPECT_THAT(ask("GET", "/bucket?uploads"), HasSubstr("<Key>big</Key>"));
    const auto complete = ask(
        "POST", "/bucket/big?uploadId=" + id,
        fmt::format("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"{}\"</ETag>"
                    "</Part><Part><PartNumber>2</PartNumber><ETag>{}</ETag></Part>"
                    "</CompleteMultipartUpload>",
                    md5_hex(first), md5_hex("0123")));
    EXPECT_THAT(complete, HasSubstr("-2&quot;</ETag>"));
    const auto found = ask("GET", "/bucket/big");
    EXPECT_THAT(found, HasSubstr("content-type: a/b"));
    EXPECT_TRUE(body_of(found) == first + "0123");
    EXPECT_THAT(ask("PUT", part(1), "late"), HasSubstr("<Code>NoSuchUpload</Code>"));
}

TEST_F(S3FrontTest, configurations_of_a_bucket_come_back_as_they_were_put) {
    const std::string document =
        "<LifecycleConfiguration><Rule><ID>r</ID></Rule></LifecycleConfiguration>";
    EXPECT_THAT(ask("GET", "/bucket?lifecycle"),
                HasSubstr("<Code>NoSuchLifecycleConfiguration</Code>"));
    EXPECT_THAT(ask("PUT", "/bucket?lifecycle", document), StartsWith(kOk));
    EXPECT_EQ(body_of(ask("GET", "/bucket?lifecycle")), document);
    EXPECT_THAT(ask("PUT", "/bucket?publicAccessBlock", document),
                HasSubstr("<Code>MalformedXML</Code>"));
    EXPECT_THAT(ask("DELETE", "/bucket?lifecycle"), StartsWith("HTTP/1.1 204"));
    EXPECT_THAT(ask("GET", "/bucket?versioning"), HasSubstr("<VersioningConfiguration"));
}

TEST_F(S3FrontTest, what_is_not_served_is_named) {
    EXPECT_THAT(ask("PUT", "/bucket?policy", "{}"),
                HasSubstr("PUT ?policy of a bucket is not implemented."));
    EXPECT_THAT(ask("GET", "/bucket/key?acl"), StartsWith("HTTP/1.1 501"));
    EXPECT_THAT(ask("PUT", "/bucket/key", "", "x-amz-server-side-encryption: aws:kms\r\n"),
                HasSubstr("x-amz-server-side-encryption"));
    EXPECT_THAT(ask("PATCH", "/bucket/key"), HasSubstr("PATCH of an object"));
    EXPECT_THAT(ask("GET", "/bucket/%zz"), HasSubstr("<Code>InvalidURI</Code>"));
}

}  // namespace
}  // namespace ac::wire
