#include "sigv4/verifier.h"

#include <gtest/gtest.h>

#include "base/time_text.h"
#include "sigv4/signer.h"

namespace ac::sigv4 {
namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

// A signed request as a client sent it, with the time it was sent.
struct Vector {
    std::string_view name;
    std::string_view method;
    std::string_view target;
    std::vector<net::Header> headers;
    std::string_view body;
};

net::RequestHead head_of(const Vector& vector) {
    net::RequestHead head{
        .method = std::string(vector.method), .target = std::string(vector.target), .headers = {}};
    for (const net::Header& header : vector.headers) head.headers.add(header.name, header.value);
    return head;
}

Result<Verified> verify(const net::RequestHead& head, std::string_view body, WallTime now,
                        const Policy& policy = {}, std::string_view secret = kSecret) {
    Verifier verifier;
    AC_TRY(const Authorization authorization, parse_authorization(head));
    return verifier.verify(authorization, head, {.secret = secret, .session_token = {}},
                           sha256_hex(body), now, policy);
}

WallTime at(std::string_view amz_date) {
    return from_amz_date(amz_date).value();
}

std::string reason_of(const Result<Verified>& result) {
    return result ? "" : result.error().reason;
}

// AWS's published Signature Version 4 test suite.
net::Header suite_authorization(std::string_view names, std::string_view signature) {
    return {"Authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=" +
                std::string(names) + ", Signature=" + std::string(signature)};
}

const net::Header kSuiteHost{"Host", "example.amazonaws.com"};
const net::Header kSuiteDate{"X-Amz-Date", "20150830T123600Z"};

std::vector<Vector> suite() {
    const std::string_view two = "host;x-amz-date";
    return {
        {"get-vanilla",
         "GET",
         "/",
         {kSuiteHost, kSuiteDate,
          suite_authorization(two,
                              "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")}},
        {"get-vanilla-query-order-key-case",
         "GET",
         "/?Param2=value2&Param1=value1",
         {kSuiteHost, kSuiteDate,
          suite_authorization(two,
                              "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500")}},
        {"get-unreserved",
         "GET",
         "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
         {kSuiteHost, kSuiteDate,
          suite_authorization(two,
                              "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f")}},
        {"get-utf8",
         "GET",
         "/\xe1\x88\xb4",
         {kSuiteHost, kSuiteDate,
          suite_authorization(two,
                              "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85")}},
        {"get-header-key-duplicate",
         "GET",
         "/",
         {kSuiteHost,
          {"My-Header1", "value2"},
          {"My-Header1", "value2"},
          {"My-Header1", "value1"},
          kSuiteDate,
          suite_authorization("host;my-header1;x-amz-date",
                              "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea")}},
        {"get-header-value-trim",
         "GET",
         "/",
         {kSuiteHost,
          {"My-Header1", " value1"},
          {"My-Header2", " \"a   b   c\""},
          kSuiteDate,
          suite_authorization("host;my-header1;my-header2;x-amz-date",
                              "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736")}},
        {"post-vanilla",
         "POST",
         "/",
         {kSuiteHost, kSuiteDate,
          suite_authorization(two,
                              "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b")}},
        {"post-x-www-form-urlencoded",
         "POST",
         "/",
         {kSuiteHost,
          {"Content-Type", "application/x-www-form-urlencoded"},
          kSuiteDate,
          suite_authorization("content-type;host;x-amz-date",
                              "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a")},
         "Param1=value1"},
        {"get-vanilla-empty-query-key",
         "GET",
         "/?Param1=value1",
         {kSuiteHost, kSuiteDate,
          suite_authorization(two,
                              "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb")}},
        {"get-vanilla-utf8-query",
         "GET",
         "/?\xe1\x88\xb4=bar",
         {kSuiteHost, kSuiteDate,
          suite_authorization(two,
                              "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04")}},
        {"get-vanilla-query-unreserved",
         "GET",
         "/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789"
         "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
         {kSuiteHost, kSuiteDate,
          suite_authorization(two,
                              "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197")}},
        {"get-header-value-order",
         "GET",
         "/",
         {kSuiteHost,
          {"My-Header1", "value4"},
          {"My-Header1", "value1"},
          {"My-Header1", "value3"},
          {"My-Header1", "value2"},
          kSuiteDate,
          suite_authorization("host;my-header1;x-amz-date",
                              "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01")}},
        {"post-header-key-sort",
         "POST",
         "/",
         {kSuiteHost,
          {"My-Header1", "value1"},
          kSuiteDate,
          suite_authorization("host;my-header1;x-amz-date",
                              "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c")}},
        {"post-header-value-case",
         "POST",
         "/",
         {kSuiteHost,
          {"My-Header1", "VALUE1"},
          kSuiteDate,
          suite_authorization("host;my-header1;x-amz-date",
                              "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d")}},
        {"post-vanilla-query",
         "POST",
         "/?Param1=value1",
         {kSuiteHost, kSuiteDate,
          suite_authorization(two,
                              "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11")}},
        {"post-x-www-form-urlencoded-parameters",
         "POST",
         "/",
         {kSuiteHost,
          {"Content-Type", "application/x-www-form-urlencoded; charset=utf8"},
          kSuiteDate,
          suite_authorization("content-type;host;x-amz-date",
                              "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe")},
         "Param1=value1"},
    };
}

constexpr std::string_view kRuntime =
    "/runtimes/arn%3Aaws%3Abedrock-agentcore%3Aus-west-2%3A123456789012%3Aruntime%2F"
    "agent-0123456789/";

// Made with botocore at 20260102T030405Z.
Vector botocore_invoke() {
    static const std::string target =
        std::string(kRuntime) + "invocations?qualifier=DEFAULT&a=b%20c";
    return {"invoke",
            "POST",
            target,
            {{"Host", "127.0.0.1:7070"},
             {"Content-Type", "application/json"},
             {"X-Amzn-Bedrock-AgentCore-Runtime-Session-Id", "session-123"},
             {"X-Amz-Date", "20260102T030405Z"},
             {"Authorization",
              "AWS4-HMAC-SHA256 "
              "Credential=AKIDEXAMPLE/20260102/us-west-2/bedrock-agentcore/aws4_request, "
              "SignedHeaders=content-type;host;x-amz-date;"
              "x-amzn-bedrock-agentcore-runtime-session-id, "
              "Signature=def3f3fb9c4cdd8d7036b9467781ec81e9cfc4d0dc1d0cd1363478f320e0ee34"}},
            R"({"prompt": "Hello"})"};
}

Vector botocore_presigned() {
    static const std::string target =
        std::string(kRuntime) +
        "ws?qualifier=DEFAULT&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F"
        "20260102%2Fus-west-2%2Fbedrock-agentcore%2Faws4_request&X-Amz-Date=20260102T030405Z&"
        "X-Amz-Expires=300&X-Amz-SignedHeaders=host&X-Amz-Signature="
        "23a02c66e51118b0a3312010d3a31e5ccc7183b128a713504aba8a000d59a826";
    return {"presigned", "GET", target, {{"Host", "127.0.0.1:7070"}}, ""};
}

Vector botocore_s3() {
    return {"s3",
            "PUT",
            "/bucket/a%20b%2Bc",
            {{"Host", "127.0.0.1:7070"},
             {"X-Amz-Date", "20260102T030405Z"},
             {"X-Amz-Content-SHA256",
              "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"},
             {"Authorization",
              "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/us-west-2/s3/aws4_request, "
              "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
              "Signature=f3f7b242356ab45503a43d488ecdf970a69f04704c43a2cf92228f1c5f869565"}},
            "content"};
}

const WallTime kNow = at("20260102T030405Z");

TEST(sigv4, takes_the_published_test_suite) {
    for (const Vector& vector : suite()) {
        const auto result = verify(head_of(vector), vector.body, at("20150830T123600Z"));
        EXPECT_TRUE(result) << vector.name << ": " << result.error().message;
    }
}

TEST(sigv4, takes_what_botocore_signs) {
    for (const Vector& vector : {botocore_invoke(), botocore_presigned(), botocore_s3()}) {
        const auto result = verify(head_of(vector), vector.body, kNow);
        EXPECT_TRUE(result) << vector.name << ": " << result.error().message;
    }
}

TEST(sigv4, the_scope_is_known_before_the_body) {
    const auto parsed = parse_authorization(head_of(botocore_invoke()));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->access_key_id, "AKIDEXAMPLE");
    EXPECT_EQ(parsed->region, "us-west-2");
    EXPECT_EQ(parsed->service, "bedrock-agentcore");
    EXPECT_TRUE(parsed->content_sha256.empty());
    EXPECT_FALSE(parsed->presigned);
    EXPECT_TRUE(parse_authorization(head_of(botocore_presigned()))->presigned);
}

TEST(sigv4, any_change_breaks_the_signature) {
    const net::RequestHead good = head_of(botocore_invoke());
    const std::string body(botocore_invoke().body);
    net::RequestHead method = good;
    method.method = "PUT";
    net::RequestHead path = good;
    path.target.replace(path.target.find("0123456789"), 1, "1");
    net::RequestHead decoded = good;
    decoded.target.replace(decoded.target.find("%2F"), 3, "/");
    net::RequestHead query = good;
    query.target += "&x=y";
    net::RequestHead header = good;
    header.headers.set("Content-Type", "text/plain");
    net::RequestHead session = good;
    session.headers.set("X-Amzn-Bedrock-AgentCore-Runtime-Session-Id", "session-124");
    for (const net::RequestHead& bad : {method, path, decoded, query, header, session})
        EXPECT_EQ(reason_of(verify(bad, body, kNow)), "InvalidSignatureException");
    EXPECT_EQ(reason_of(verify(good, body + " ", kNow)), "InvalidSignatureException");
    EXPECT_EQ(reason_of(verify(good, body, kNow, {}, "another secret")),
              "InvalidSignatureException");
}

TEST(sigv4, headers_of_amz_must_be_signed) {
    net::RequestHead head = head_of(botocore_invoke());
    head.headers.add("X-Amz-Meta-Evil", "1");
    EXPECT_EQ(reason_of(verify(head, botocore_invoke().body, kNow)), "InvalidSignatureException");
    net::RequestHead presigned = head_of(botocore_presigned());
    presigned.headers.add("X-Amz-Security-Token", "t");
    EXPECT_EQ(reason_of(verify(presigned, "", kNow)), "InvalidSignatureException");
}

TEST(sigv4, whom_an_agent_acts_for_must_be_signed) {
    net::RequestHead head = head_of(botocore_invoke());
    head.headers.add("X-Amzn-Bedrock-AgentCore-Runtime-Custom-Tone", "kind");
    EXPECT_TRUE(verify(head, botocore_invoke().body, kNow));
    head.headers.add("X-Amzn-Bedrock-Agentcore-Runtime-User-Id", "somebody else");
    EXPECT_EQ(reason_of(verify(head, botocore_invoke().body, kNow)), "InvalidSignatureException");
}

TEST(sigv4, the_clock_may_be_five_minutes_off) {
    const net::RequestHead head = head_of(botocore_invoke());
    const auto body = botocore_invoke().body;
    EXPECT_TRUE(verify(head, body, kNow + Seconds{300}));
    EXPECT_TRUE(verify(head, body, kNow - Seconds{300}));
    EXPECT_EQ(reason_of(verify(head, body, kNow + Seconds{301})), "InvalidSignatureException");
    EXPECT_EQ(reason_of(verify(head, body, kNow - Seconds{301})), "InvalidSignatureException");
}

TEST(sigv4, a_presigned_request_expires) {
    const net::RequestHead head = head_of(botocore_presigned());
    EXPECT_TRUE(verify(head, "", kNow + Seconds{300}));
    EXPECT_EQ(reason_of(verify(head, "", kNow + Seconds{301})), "ExpiredTokenException");
    const Policy strict{.presigned_expiry_max = Seconds{299}};
    EXPECT_EQ(reason_of(verify(head, "", kNow, strict)), "InvalidSignatureException");
}

TEST(sigv4, the_signed_host_may_have_a_port_or_not) {
    const Credentials credentials{.access_key_id = "AK", .secret = std::string(kSecret)};
    const Signing signing{.region = "us-west-2", .service = "bedrock-agentcore", .now = kNow};
    net::RequestHead head{.method = "GET", .target = "/x", .headers = {{"Host", "localhost"}}};
    sign(head, sha256_hex(""), credentials, signing);
    head.headers.set("Host", "localhost:7070");
    EXPECT_TRUE(verify(head, "", kNow));
    sign(head, sha256_hex(""), credentials, signing);
    head.headers.set("Host", "localhost");
    EXPECT_FALSE(verify(head, "", kNow));
    EXPECT_TRUE(verify(head, "", kNow, {.port = 7070}));
}

TEST(sigv4, a_payload_hash_that_was_sent_must_be_the_bodys) {
    const net::RequestHead head = head_of(botocore_s3());
    EXPECT_TRUE(verify(head, "content", kNow));
    EXPECT_EQ(reason_of(verify(head, "other", kNow)), "InvalidSignatureException");
    Verifier verifier;
    const auto authorization = parse_authorization(head);
    const auto early = verifier.verify(*authorization, head, {.secret = kSecret}, "", kNow, {});
    EXPECT_TRUE(early) << "the signature alone, before the body was read";
}

TEST(sigv4, unsigned_payloads_only_where_the_policy_allows_them) {
    const Credentials credentials{.access_key_id = "AK", .secret = std::string(kSecret)};
    const Signing signing{.region = "us-west-2", .service = "s3", .now = kNow};
    net::RequestHead head{.method = "PUT", .target = "/b/k", .headers = {{"Host", "h"}}};
    sign(head, kUnsignedPayload, credentials, signing);
    EXPECT_EQ(reason_of(verify(head, "x", kNow)), "InvalidSignatureException");
    EXPECT_TRUE(verify(head, "x", kNow, {.unsigned_payload_allowed = true}));
}

TEST(sigv4, what_it_signs_it_verifies) {
    for (const std::string service : {"s3", "bedrock-agentcore"}) {
        const Credentials credentials{.access_key_id = "AK", .secret = std::string(kSecret)};
        const Signing signing{.region = "eu-west-1", .service = service, .now = kNow};
        net::RequestHead head{.method = "POST",
                              .target = "/a%2Fb/c d?z=1&a=%20x&a=b",
                              .headers = {{"Host", "h:1"}, {"User-Agent", "me"}}};
        sign(head, sha256_hex("body"), credentials, signing);
        EXPECT_TRUE(verify(head, "body", kNow)) << service;
        net::RequestHead url{.method = "GET", .target = "/a%2Fb?q=1", .headers = {{"Host", "h:1"}}};
        url.target = presign(url, credentials, signing, Seconds{60});
        EXPECT_TRUE(verify(url, "", kNow, {.unsigned_payload_allowed = true})) << service;
    }
}

TEST(sigv4, session_tokens_must_be_those_that_were_issued) {
    const Credentials credentials{
        .access_key_id = "AK", .secret = std::string(kSecret), .session_token = "token"};
    const Signing signing{.region = "us-west-2", .service = "bedrock-agentcore", .now = kNow};
    net::RequestHead head{.method = "GET", .target = "/", .headers = {{"Host", "h"}}};
    sign(head, sha256_hex(""), credentials, signing);
    EXPECT_EQ(reason_of(verify(head, "", kNow)), "UnrecognizedClientException");
    Verifier verifier;
    const auto authorization = parse_authorization(head);
    EXPECT_TRUE(verifier.verify(*authorization, head, {.secret = kSecret, .session_token = "token"},
                                sha256_hex(""), kNow, {}));
}

// The suite's post-sts-header-before: temporary credentials, their token signed.
TEST(sigv4, a_session_token_is_part_of_what_is_signed) {
    const std::string token =
        "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfp"
        "SPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQ"
        "DYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+s"
        "cqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
    const Vector vector{
        "post-sts-header-before",
        "POST",
        "/",
        {kSuiteHost,
         kSuiteDate,
         {"X-Amz-Security-Token", token},
         suite_authorization("host;x-amz-date;x-amz-security-token",
                             "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead")},
        ""};
    const auto verify_with = [&](const net::RequestHead& head, const std::string& expected) {
        Verifier verifier;
        const auto authorization = parse_authorization(head);
        return reason_of(verifier.verify(*authorization, head,
                                         {.secret = kSecret, .session_token = expected},
                                         sha256_hex(""), at("20150830T123600Z")));
    };
    net::RequestHead head = head_of(vector);
    EXPECT_EQ(verify_with(head, token), "");
    EXPECT_EQ(verify_with(head, token + "="), "UnrecognizedClientException");
    head.headers.set("X-Amz-Security-Token", token + "=");
    EXPECT_EQ(verify_with(head, token + "="), "InvalidSignatureException");
}

TEST(sigv4, requests_without_a_signature_are_told_apart) {
    net::RequestHead head{.method = "GET", .target = "/", .headers = {{"Host", "h"}}};
    EXPECT_FALSE(is_signed(head));
    EXPECT_EQ(parse_authorization(head).error().reason, "MissingAuthenticationTokenException");
    head.headers.add("Authorization", "Bearer abc");
    EXPECT_FALSE(is_signed(head));
}

TEST(sigv4, broken_authorization_is_incomplete) {
    const std::string credential = "Credential=AK/20260102/us-west-2/s3/aws4_request";
    const std::string names = "SignedHeaders=host;x-amz-date";
    const std::string signature = "Signature=" + std::string(64, 'a');
    const auto parse = [](const std::string& value) {
        const net::RequestHead head{.method = "GET",
                                    .target = "/",
                                    .headers = {{"Authorization", "AWS4-HMAC-SHA256 " + value},
                                                {"X-Amz-Date", "20260102T030405Z"}}};
        return parse_authorization(head);
    };
    EXPECT_TRUE(parse(credential + ", " + names + ", " + signature));
    EXPECT_TRUE(parse(signature + "," + names + "," + credential));
    const std::string bad[] = {
        "",
        credential,
        credential + ", " + names,
        credential + ", " + credential + ", " + names + ", " + signature,
        credential + ", " + names + ", " + signature + ", Extra=1",
        credential + ", " + names + ", Signature=xyz",
        credential + ", SignedHeaders=, " + signature,
        credential + ", SignedHeaders=x-amz-date;host, " + signature,
        credential + ", SignedHeaders=host;host, " + signature,
        credential + ", SignedHeaders=Host, " + signature,
        "Credential=AK/20260102/us-west-2/s3, " + names + ", " + signature,
        "Credential=AK/20260102/us-west-2/s3/aws3_request, " + names + ", " + signature,
        "Credential=AK/20260103/us-west-2/s3/aws4_request, " + names + ", " + signature,
        "Credential=AK/20260102/us/west/2/s3/aws4_request, " + names + ", " + signature,
        "Credential=A K/20260102/us-west-2/s3/aws4_request, " + names + ", " + signature,
    };
    for (const std::string& value : bad) {
        const auto parsed = parse(value);
        ASSERT_FALSE(parsed) << value;
        EXPECT_EQ(parsed.error().reason, "IncompleteSignatureException") << value;
    }
}

TEST(sigv4, presigned_parameters_may_not_be_repeated) {
    net::RequestHead head = head_of(botocore_presigned());
    head.target += "&X-Amz-Date=20260102T030405Z";
    EXPECT_EQ(parse_authorization(head).error().reason, "IncompleteSignatureException");
    net::RequestHead both = head_of(botocore_presigned());
    both.headers.add("Authorization", "AWS4-HMAC-SHA256 x");
    EXPECT_EQ(parse_authorization(both).error().reason, "IncompleteSignatureException");
}

// The example of the S3 API reference for a chunked upload.
TEST(sigv4, chunk_signatures_are_those_of_the_s3_reference) {
    const net::RequestHead head{
        .method = "PUT",
        .target = "/examplebucket/chunkObject.txt",
        .headers = {{"Host", "s3.amazonaws.com"},
                    {"x-amz-date", "20130524T000000Z"},
                    {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                    {"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"},
                    {"Content-Encoding", "aws-chunked"},
                    {"x-amz-decoded-content-length", "66560"},
                    {"Content-Length", "66824"},
                    {"Authorization",
                     "AWS4-HMAC-SHA256 "
                     "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                     "SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;"
                     "x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,"
                     "Signature="
                     "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"}}};
    const auto seed = verify(head, "", at("20130524T000000Z"), {.unsigned_payload_allowed = true},
                             "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    ASSERT_TRUE(seed) << seed.error().message;
    const std::string first =
        chunk_signature(*seed, seed->signature, sha256_hex(std::string(65536, 'a')));
    EXPECT_EQ(first, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
    const std::string second = chunk_signature(*seed, first, sha256_hex(std::string(1024, 'a')));
    EXPECT_EQ(second, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
    EXPECT_EQ(chunk_signature(*seed, second, sha256_hex("")),
              "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
}

}  // namespace
}  // namespace ac::sigv4
