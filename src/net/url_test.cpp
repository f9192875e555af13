#include "net/url.h"

#include <gtest/gtest.h>

#include "net/address_guard.h"

namespace ac::net {
namespace {

TEST(url, its_parts_are_found) {
    const auto url = parse_url("HTTPS://Example.COM:8443/a%2Fb?c=d#e").value();
    EXPECT_TRUE(url.is_secure);
    EXPECT_EQ(url.host, "example.com");
    EXPECT_EQ(url.port, 8443);
    EXPECT_EQ(url.target, "/a%2Fb?c=d");
    EXPECT_EQ(url.text(), "https://example.com:8443/a%2Fb?c=d");
    EXPECT_EQ(parse_url("http://h")->text(), "http://h/");
    EXPECT_EQ(parse_url("http://h?q")->target, "/?q");
    EXPECT_EQ(parse_url("https://[::1]")->authority(), "[::1]");
    EXPECT_EQ(parse_url("https://[::1]")->port, 443);
}

TEST(url, what_is_none_is_refused) {
    for (const char* text :
         {"", "h", "ftp://h", "http://", "http:///x", "http://user@h/", "http://h:0/",
          "http://h:65536/", "http://h:1x/", "http://[::1", "http://[h]/", "http://h/a b",
          "http://h/\r\nX: y", "http://a\\b/", "http://h%20/", "file:///etc/passwd"})
        EXPECT_FALSE(parse_url(text)) << text;
}

TEST(url, references_resolve_against_their_base) {
    const auto base = parse_url("https://h:1/a/b?q").value();
    EXPECT_EQ(resolve_url(base, "c")->text(), "https://h:1/a/c");
    EXPECT_EQ(resolve_url(base, "/c?d")->text(), "https://h:1/c?d");
    EXPECT_EQ(resolve_url(base, "//g/c")->text(), "https://g/c");
    EXPECT_EQ(resolve_url(base, "http://g")->text(), "http://g/");
    EXPECT_EQ(resolve_url(base, "?x")->text(), "https://h:1/a/b?x");
    EXPECT_EQ(resolve_url(base, "/r?u=http://g/")->text(), "https://h:1/r?u=http://g/");
    EXPECT_FALSE(resolve_url(base, "gopher://g/"));
}

Result<> check(const AddressGuard& guard, const char* text) {
    return guard.check(asio::ip::make_address(text));
}

TEST(address_guard, only_public_addresses_are_allowed_by_default) {
    const AddressGuard guard;
    for (const char* text :
         {"8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808"})
        EXPECT_TRUE(check(guard, text)) << text;
    for (const char* text : {"127.0.0.1",
                             "127.9.9.9",
                             "0.0.0.0",
                             "10.0.0.1",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.168.1.1",
                             "169.254.169.254",
                             "100.64.0.1",
                             "224.0.0.1",
                             "255.255.255.255",
                             "::1",
                             "::",
                             "::ffff:10.0.0.1",
                             "::ffff:169.254.169.254",
                             "::127.0.0.1",
                             "64:ff9b::a9fe:a9fe",
                             "2002:7f00:1::",
                             "fe80::1",
                             "fc00::1",
                             "fd00:ec2::254",
                             "ff02::1",
                             "2001:db8::1"})
        EXPECT_FALSE(check(guard, text)) << text;
}

TEST(address_guard, what_is_allowed_by_name_is_allowed) {
    AddressGuard guard;
    ASSERT_TRUE(guard.allow("10.1.0.0/16"));
    ASSERT_TRUE(guard.allow("fc00::/7"));
    ASSERT_TRUE(guard.allow("127.0.0.1"));
    EXPECT_TRUE(check(guard, "10.1.2.3"));
    EXPECT_TRUE(check(guard, "::ffff:10.1.2.3"));
    EXPECT_TRUE(check(guard, "127.0.0.1"));
    EXPECT_TRUE(check(guard, "fc01::1"));
    EXPECT_FALSE(check(guard, "10.2.0.1"));
    EXPECT_FALSE(check(guard, "127.0.0.2"));
    for (const char* text : {"", "x", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.1/x"})
        EXPECT_FALSE(guard.allow(text)) << text;
}

TEST(address_guard, a_wide_block_does_not_open_the_metadata_address) {
    AddressGuard guard;
    ASSERT_TRUE(guard.allow("0.0.0.0/0"));
    ASSERT_TRUE(guard.allow("::/0"));
    EXPECT_TRUE(check(guard, "10.1.2.3"));
    EXPECT_FALSE(check(guard, "169.254.169.254"));
    EXPECT_FALSE(check(guard, "fd00:ec2::254"));
    ASSERT_TRUE(guard.allow("169.254.10.0/24"));
    EXPECT_TRUE(check(guard, "169.254.10.1"));
    EXPECT_FALSE(check(guard, "169.254.169.254"));
}

}  // namespace
}  // namespace ac::net
