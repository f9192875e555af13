#include "server/memory_config.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace ac::server {
namespace {

Result<MemoryConfig> parsed(const char* yaml) {
    return parse_memory_config(YAML::Load(yaml));
}

TEST(memory_config, says_engine_model_and_where_notifications_go) {
    const auto config = parsed(R"(
engine: model
model: anthropic.claude-sonnet
model_calls_per_minute: 7
embedding: multilingual-e5-small
topics:
  arn:aws:sns:us-west-2:000000000000:memory: http://127.0.0.1:9000/hook
streams:
  arn:aws:kinesis:us-west-2:000000000000:stream/a: http://127.0.0.1:9000/changes
  arn:aws:kinesis:us-west-2:000000000000:stream/b: s3://changes/of/memory
)");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->engine, memory::EngineMode::model);
    EXPECT_EQ(config->model, "anthropic.claude-sonnet");
    EXPECT_EQ(config->calls_per_minute, 7);
    EXPECT_EQ(config->embedding, "multilingual-e5-small");
    EXPECT_EQ(config->topics.at("arn:aws:sns:us-west-2:000000000000:memory"),
              "http://127.0.0.1:9000/hook");
    EXPECT_EQ(config->streams.at("arn:aws:kinesis:us-west-2:000000000000:stream/b"),
              "s3://changes/of/memory");
}

TEST(memory_config, errors_name_line_and_key) {
    EXPECT_EQ(parsed("engine: magic").error().message,
              "line 1: memory.engine: want builtin, model or auto");
    EXPECT_EQ(parsed("engine: auto\nmodle: x").error().message,
              "line 2: memory.modle: unknown key");
    for (const auto* yaml :
         {"engine: model", "- x", "model_calls_per_minute: 0", "model: [a]", "embedding: word2vec",
          "topics: {x: 'http://h'}", "topics: {'arn:a': 'ftp://h'}", "topics: {'arn:a': 's3://b'}",
          "streams: {'arn:a': 's3://'}", "streams: {'arn:a': 's3:///x'}",
          "streams: {x: 'http://h'}"})
        EXPECT_FALSE(parsed(yaml)) << yaml;
}

TEST(memory_config, prompts_of_another_name_are_refused) {
    EXPECT_FALSE(engine_config({.prompts = "/nowhere"}));
}

}  // namespace
}  // namespace ac::server
