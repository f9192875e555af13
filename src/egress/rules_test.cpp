#include "egress/rules.h"

#include <gtest/gtest.h>

namespace ac::egress {
namespace {

HostRules rules(std::initializer_list<const char*> patterns) {
    HostRules made;
    for (const char* pattern : patterns) EXPECT_TRUE(made.allow(pattern)) << pattern;
    return made;
}

TEST(host_rules, nothing_is_allowed_by_default) {
    EXPECT_FALSE(HostRules().allows("example.com", 443));
}

TEST(host_rules, names_ports_and_wildcards) {
    const auto some = rules({"Example.com:443", "*.internal", "10.0.0.1", "[fd00::1]:8080", "h."});
    EXPECT_TRUE(some.allows("example.COM", 443));
    EXPECT_TRUE(some.allows("example.com.", 443));
    EXPECT_TRUE(some.allows("a.b.internal", 1));
    EXPECT_TRUE(some.allows("10.0.0.1", 22));
    EXPECT_TRUE(some.allows("fd00::1", 8080));
    EXPECT_TRUE(some.allows("h", 1));
    EXPECT_FALSE(some.allows("example.com", 80));
    EXPECT_FALSE(some.allows("www.example.com", 443));
    EXPECT_FALSE(some.allows("badexample.com", 443));
    EXPECT_FALSE(some.allows("internal", 1));
    EXPECT_FALSE(some.allows("xinternal", 1));
    EXPECT_FALSE(some.allows(".internal", 1));
    EXPECT_FALSE(some.allows("fd00::1", 80));
    EXPECT_TRUE(rules({"*"}).allows("anything", 65535));
    EXPECT_TRUE(rules({"*:443"}).allows("anything", 443));
    EXPECT_FALSE(rules({"*:443"}).allows("anything", 80));
}

TEST(host_rules, what_is_no_pattern_is_refused) {
    HostRules made;
    for (const char* pattern :
         {"", "a b", "h:0", "h:x", "h:65536", "*.", "*a", "a*", "http://h", "h/"})
        EXPECT_FALSE(made.allow(pattern)) << pattern;
}

TEST(host_port, both_are_required) {
    EXPECT_EQ(parse_host_port("Example.com:443")->host, "example.com");
    EXPECT_EQ(parse_host_port("[::1]:80")->port, 80);
    EXPECT_EQ(parse_host_port("[::1]:80")->host, "::1");
    for (const char* text :
         {"", "h", "h:", ":1", "h:0", "h:1/x", "u@h:1", "[::1]", "::1:80", "h:1?x", "a b:1"})
        EXPECT_FALSE(parse_host_port(text)) << text;
}

}  // namespace
}  // namespace ac::egress
