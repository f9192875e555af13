#include "embedded/config.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace ac::embedded {
namespace {

TEST(EmbeddedConfig, keys_are_read_and_bounded) {
    const auto config = parse_embedded_config(
        YAML::Load("{enabled: true, threads: 3, idle_seconds: 7, memory_bytes_max: 1000000}"));
    ASSERT_TRUE(config);
    const auto options = llama_options(*config, "/x", 8);
    EXPECT_EQ(options.threads, 3U);
    EXPECT_EQ(options.times.idle_timeout, Seconds{7});
    EXPECT_EQ(options.memory_bytes_max, 1'000'000U);
    EXPECT_FALSE(parse_embedded_config(YAML::Load("{thread: 3}")));
    EXPECT_FALSE(parse_embedded_config(YAML::Load("{parallel: 0}")));
    EXPECT_FALSE(parse_embedded_config(YAML::Load("[]")));
}

TEST(EmbeddedConfig, threads_are_the_machines_where_nothing_is_said) {
    EXPECT_EQ(llama_options({}, "/x", 8).threads, 8U);
    EXPECT_EQ(llama_options({}, "/x", 0).threads, 1U);
}

}  // namespace
}  // namespace ac::embedded
