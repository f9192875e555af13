#include "embedded/config.h"

#include <algorithm>

#include "models/yaml_map.h"

namespace ac::embedded {

Result<EmbeddedConfig> parse_embedded_config(const YAML::Node& node) {
    AC_TRY(auto map, models::YamlMap::open(node, "models.embedded"));
    EmbeddedConfig config;
    AC_CHECK(map.read("enabled", config.enabled));
    AC_CHECK(map.read("folder", config.folder));
    AC_CHECK(map.read_bounded<std::uint64_t>("memory_bytes_max", config.memory_bytes_max, 0,
                                             1ULL << 44));
    AC_CHECK(map.read_bounded<std::int64_t>("context_tokens", config.context_tokens, 512, 1 << 20));
    AC_CHECK(map.read_bounded<std::int64_t>("parallel", config.parallel, 1, 256));
    AC_CHECK(map.read_bounded<unsigned>("threads", config.threads, 0, 256));
    AC_CHECK(
        map.read_bounded<std::int64_t>("answer_tokens_max", config.answer_tokens_max, 1, 1 << 20));
    AC_CHECK(map.read_bounded<std::int64_t>("idle_seconds", config.idle_seconds, 1, 31'536'000));
    AC_CHECK(
        map.read_bounded<std::int64_t>("start_seconds_max", config.start_seconds_max, 1, 3600));
    AC_CHECK(map.end());
    return config;
}

LlamaOptions llama_options(const EmbeddedConfig& config, std::filesystem::path runtime,
                           unsigned processors) {
    LlamaOptions options{.runtime = std::move(runtime),
                         .context_tokens = config.context_tokens,
                         .parallel = config.parallel,
                         .threads = config.threads > 0 ? config.threads : std::max(1U, processors),
                         .memory_bytes_max = config.memory_bytes_max,
                         .start_timeout = Seconds{config.start_seconds_max}};
    options.times.idle_timeout = Seconds{config.idle_seconds};
    return options;
}

}  // namespace ac::embedded
