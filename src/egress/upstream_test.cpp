#include "egress/upstream.h"

#include <gtest/gtest.h>

namespace ac::egress {
namespace {

TEST(upstream, is_what_the_environment_says) {
    const auto found = upstream_of({"PIP_INDEX_URL=https://x/", "http_proxy=http://other:1",
                                    "HTTPS_PROXY=http://us%65r:p%40ss@proxy.corp:3128/",
                                    "no_proxy=localhost, .corp,*.Internal.example"});
    ASSERT_TRUE(found && *found);
    const Upstream& upstream = **found;
    EXPECT_EQ(upstream.host, "proxy.corp");
    EXPECT_EQ(upstream.port, 3128);
    EXPECT_EQ(upstream.authorization, "Basic dXNlcjpwQHNz");
    EXPECT_TRUE(upstream.leaves_out("localhost"));
    EXPECT_TRUE(upstream.leaves_out("index.Corp"));
    EXPECT_TRUE(upstream.leaves_out("corp"));
    EXPECT_TRUE(upstream.leaves_out("a.internal.example"));
    EXPECT_FALSE(upstream.leaves_out("notcorp"));
    EXPECT_FALSE(upstream.leaves_out("pypi.org"));
}

TEST(upstream, needs_no_scheme_and_a_star_leaves_out_all) {
    const auto found = upstream_of({"all_proxy=proxy:8080", "NO_PROXY=*"});
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((*found)->host, "proxy");
    EXPECT_EQ((*found)->port, 8080);
    EXPECT_TRUE((*found)->leaves_out("pypi.org"));
}

TEST(upstream, is_none_where_none_is_named) {
    const auto found = upstream_of({"HTTPS_PROXY=", "NO_PROXY=x", "PIP_INDEX_URL=https://x/"});
    ASSERT_TRUE(found);
    EXPECT_FALSE(*found);
}

TEST(upstream, of_another_kind_is_refused) {
    for (const char* one : {"HTTPS_PROXY=socks5://proxy:1080", "HTTPS_PROXY=https://proxy:443"})
        EXPECT_FALSE(upstream_of({one})) << one;
}

}  // namespace
}  // namespace ac::egress
