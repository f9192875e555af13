#include "bearer/discovery.h"

#include <gmock/gmock.h>

namespace ac::bearer {
namespace {

using testing::HasSubstr;

struct UrlCase {
    std::string_view url;
    std::string_view issuer;  // empty: refused
};

TEST(discovery, issuer_is_what_the_place_says) {
    constexpr UrlCase kCases[] = {
        {"https://a.example/.well-known/openid-configuration", "https://a.example"},
        {"https://a.example/x/y/.well-known/openid-configuration", "https://a.example/x/y"},
        {"https://a.example:8443/x/.well-known/openid-configuration", "https://a.example:8443/x"},
        {"https://a.example/.well-known/oauth-authorization-server/x", "https://a.example/x"},
        {"https://a.example/x/.well-known/oauth-authorization-server", "https://a.example/x"},
        {"http://127.0.0.1:7070/issuer/.well-known/openid-configuration",
         "http://127.0.0.1:7070/issuer"},
        {"http://[::1]:1/.well-known/openid-configuration", "http://[::1]:1"},
        {"http://keycloak:8080/realms/r/.well-known/openid-configuration",
         "http://keycloak:8080/realms/r"},
        {"http://192.168.1.2/.well-known/openid-configuration", "http://192.168.1.2"},
        {"http://a.example/.well-known/openid-configuration", ""},
        {"http://8.8.8.8/.well-known/openid-configuration", ""},
        {"http://169.254.169.254/.well-known/openid-configuration", ""},
        {"https://a.example/.well-known/openid-configuration?x=/.well-known/openid-configuration",
         ""},
        {"https://a.example/.well-known/jwks.json", ""},
        {"https://user@a.example/.well-known/openid-configuration", ""},
        {"ftp://a.example/.well-known/openid-configuration", ""},
        {"https:///.well-known/openid-configuration", ""},
        {"https://a.example/\r\nX: y/.well-known/openid-configuration", ""}};
    for (const UrlCase& one : kCases) {
        const auto issuer = issuer_of(one.url);
        EXPECT_EQ(issuer.value_or(""), one.issuer) << one.url;
    }
}

constexpr std::string_view kPlace = "https://a.example/t/.well-known/openid-configuration";

std::string document(std::string_view issuer, std::string_view more = "") {
    return R"({"issuer":")" + std::string(issuer) +
           R"(","jwks_uri":"https://keys.example/k","token_endpoint":"https://a.example/token")" +
           std::string(more) + "}";
}

TEST(discovery, document_is_read) {
    const auto metadata =
        parse_metadata(document("https://a.example/t",
                                R"(,"token_endpoint_auth_methods_supported":["client_secret_post"],
                    "authorization_response_iss_parameter_supported":true)"),
                       kPlace);
    ASSERT_TRUE(metadata) << metadata.error().message;
    EXPECT_EQ(metadata->issuer, "https://a.example/t");
    EXPECT_EQ(metadata->jwks_uri, "https://keys.example/k");
    EXPECT_THAT(metadata->token_auth_methods, testing::ElementsAre("client_secret_post"));
    EXPECT_TRUE(metadata->answers_with_issuer);
}

TEST(discovery, issuer_may_end_in_a_slash) {
    EXPECT_TRUE(parse_metadata(document("https://a.example/t/"), kPlace));
}

TEST(discovery, microsoft_names_another_issuer_for_the_same_tenant) {
    constexpr std::string_view kMicrosoft =
        "https://login.microsoftonline.com/1234/.well-known/openid-configuration";
    EXPECT_TRUE(parse_metadata(document("https://sts.windows.net/1234/"), kMicrosoft));
    EXPECT_FALSE(parse_metadata(document("https://sts.windows.net/999/"), kMicrosoft));
    EXPECT_FALSE(parse_metadata(document("https://sts.windows.net/t/"), kPlace));
}

TEST(discovery, mixed_up_issuer_is_refused) {
    for (const std::string_view other :
         {"https://b.example/t", "https://a.example", "https://a.example/T", "",
          "http://a.example/t", "https://a.example.evil.example/t", "https://a.example/t//"})
        EXPECT_FALSE(parse_metadata(document(other), kPlace)) << other;
}

TEST(discovery, document_must_not_lead_away_from_tls) {
    const auto metadata = parse_metadata(
        R"({"issuer":"https://a.example/t","jwks_uri":"http://127.0.0.1/keys"})", kPlace);
    ASSERT_FALSE(metadata);
    EXPECT_THAT(metadata.error().message, HasSubstr("away from https"));
    for (const std::string_view uri : {"http://a.example/keys", "file:///etc/passwd", "keys",
                                       "//b.example/keys", "https://u:p@a.example/keys"})
        EXPECT_FALSE(parse_metadata(
            R"({"issuer":"https://a.example/t","jwks_uri":")" + std::string(uri) + "\"}", kPlace))
            << uri;
}

TEST(discovery, what_is_no_document_is_refused) {
    for (const std::string_view bad :
         {"", "[]", "<html>", R"({"issuer":"https://a.example/t","issuer":"https://b.example"})"})
        EXPECT_FALSE(parse_metadata(bad, kPlace)) << bad;
}

}  // namespace
}  // namespace ac::bearer
