#include "wire/s3_request.h"

#include <gtest/gtest.h>

#include "wire/s3_checksum.h"
#include "wire/s3_chunked.h"

namespace ac::wire {
namespace {

TEST(s3_request, a_path_is_a_bucket_and_a_key) {
    const auto parse = [](std::string target) {
        net::RequestHead head{.method = "GET", .target = std::move(target)};
        return parse_s3_request(head);
    };
    EXPECT_EQ(parse("/")->bucket, "");
    EXPECT_EQ(parse("/b")->bucket, "b");
    EXPECT_EQ(parse("/b/")->key, "");
    EXPECT_EQ(parse("/b/a//c%2Fd+e?x=1&y")->key, "a//c/d+e");
    EXPECT_EQ(parse("/b/k?x=1&y")->get("x"), "1");
    EXPECT_TRUE(parse("/b/k?x=1&y")->has("y"));
    EXPECT_FALSE(parse("/b/%"));
}

TEST(s3_request, a_range_selects_bytes_or_everything) {
    const auto range = [](std::string_view text, std::uint64_t size) -> std::string {
        const auto parsed = parse_range(text, size);
        if (!parsed) return parsed.error().reason;
        if (!*parsed) return "all";
        return std::to_string((*parsed)->first) + "-" + std::to_string((*parsed)->last);
    };
    EXPECT_EQ(range("bytes=0-0", 10), "0-0");
    EXPECT_EQ(range("bytes=5-99", 10), "5-9");
    EXPECT_EQ(range("bytes=-4", 10), "6-9");
    EXPECT_EQ(range("bytes=-40", 10), "0-9");
    EXPECT_EQ(range("bytes=3-", 10), "3-9");
    EXPECT_EQ(range("bytes=10-", 10), "InvalidRange");
    EXPECT_EQ(range("bytes=-0", 10), "InvalidRange");
    EXPECT_EQ(range("bytes=0-", 0), "InvalidRange");
    for (const char* text : {"", "bytes=", "bytes=-", "bytes=4-2", "bytes=0-1,3-4", "lines=0-1",
                             "bytes=a-b", "bytes=1-x", "bytes=x-1"})
        EXPECT_EQ(range(text, 10), "all") << text;
}

TEST(s3_request, conditions_follow_rfc_9110) {
    const WallTime modified = from_epoch_ms(1'767'225'600'500);  // 2026-01-01T00:00:00.5Z
    const auto evaluate = [&](net::Headers headers) {
        return evaluate_conditions(headers, "tag", modified);
    };
    EXPECT_EQ(evaluate({}), Condition::met);
    EXPECT_EQ(evaluate({{"If-Match", "\"x\", \"tag\""}}), Condition::met);
    EXPECT_EQ(evaluate({{"If-Match", "\"x\""}}), Condition::failed);
    EXPECT_EQ(evaluate({{"If-None-Match", "*"}}), Condition::not_modified);
    EXPECT_EQ(evaluate({{"If-None-Match", "W/\"tag\""}}), Condition::not_modified);
    const std::string same = "Thu, 01 Jan 2026 00:00:00 GMT";
    const std::string before = "Wed, 31 Dec 2025 23:59:59 GMT";
    EXPECT_EQ(evaluate({{"If-Modified-Since", same}}), Condition::not_modified);
    EXPECT_EQ(evaluate({{"If-Modified-Since", before}}), Condition::met);
    EXPECT_EQ(evaluate({{"If-Unmodified-Since", same}}), Condition::met);
    EXPECT_EQ(evaluate({{"If-Unmodified-Since", before}}), Condition::failed);
    EXPECT_EQ(evaluate({{"If-Match", "\"tag\""}, {"If-Unmodified-Since", before}}), Condition::met);
}

TEST(s3_request, a_copy_source_is_a_bucket_and_a_key) {
    EXPECT_EQ(parse_copy_source("/b/a%20b/c")->key, "a b/c");
    EXPECT_EQ(parse_copy_source("b/k?versionId=null")->key, "k");
    for (const char* text : {"", "/", "b", "b/", "/b/", "b/%", "b/k?versionId=7"})
        EXPECT_FALSE(parse_copy_source(text)) << text;
}

TEST(s3_request, aws_chunked_is_not_stored_as_an_encoding) {
    const net::Headers headers = {{"Content-Encoding", "aws-chunked, gzip"},
                                  {"X-Amz-Meta-A", "1"},
                                  {"Authorization", "secret"}};
    const objects::Attributes expected = {{"content-encoding", "gzip"}, {"x-amz-meta-a", "1"}};
    EXPECT_EQ(stored_attributes(headers), expected);
}

// The check values of each CRC's definition, over "123456789".
TEST(s3_checksum, check_values) {
    const auto checksum = [](S3ChecksumKind kind, std::size_t cut) {
        const auto sum = make_checksum(kind);
        const std::string_view text = "123456789";
        sum->update(text.substr(0, cut));
        sum->update(text.substr(cut));
        return sum->finish_base64();
    };
    for (std::size_t cut = 0; cut <= 9; ++cut) {
        EXPECT_EQ(checksum(S3ChecksumKind::crc32, cut), "y/Q5Jg==");
        EXPECT_EQ(checksum(S3ChecksumKind::crc32c, cut), "4waSgw==");
        EXPECT_EQ(checksum(S3ChecksumKind::crc64nvme, cut), "rosUhgp5mIg=");
    }
}

TEST(s3_chunk_decoder, content_is_the_same_however_the_bytes_are_cut) {
    const std::string coded = "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nA: b\r\nc:d\n\r\n\r\n";
    for (std::size_t step = 1; step <= coded.size(); ++step) {
        S3ChunkDecoder decoder{std::nullopt};
        std::string content;
        for (std::size_t at = 0; at < coded.size(); at += step)
            ASSERT_TRUE(decoder.feed(coded.substr(at, step), content));
        EXPECT_EQ(content, "abc0123456789");
        EXPECT_TRUE(decoder.finished());
        EXPECT_EQ(decoder.trailer().get("a"), "b");
    }
}

TEST(s3_chunk_decoder, broken_coding_is_refused) {
    for (const char* coded : {"x\r\n", "\r\n", "-1\r\n", "FFFFFFFFFFFFFFFFF\r\n", "1\r\nabc\r\n",
                              "0\r\nnocolon\r\n", "0\r\n\r\nmore", "0x1\r\n"}) {
        S3ChunkDecoder decoder{std::nullopt};
        std::string content;
        EXPECT_FALSE(decoder.feed(coded, content)) << coded;
    }
    S3ChunkDecoder endless{std::nullopt};
    std::string content;
    EXPECT_FALSE(endless.feed(std::string(5000, '1'), content));
}

}  // namespace
}  // namespace ac::wire
