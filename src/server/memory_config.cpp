#include "server/memory_config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>

#include "embedded/embedders.h"
#include "net/url.h"

namespace ac::server {
namespace {

constexpr int kCallsMax = 100'000;
constexpr std::size_t kGraphFromMax = 100'000'000;  // never
constexpr std::string_view kBucketScheme = "s3://";

std::unexpected<Error> invalid(const YAML::Node& node, const std::string& key,
                               const std::string& what) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("line {}: memory.{}: {}", node.Mark().line + 1, key, what));
}

template <class Number>
Result<> set_number(Number& out, Number most, const YAML::Node& node, const std::string& key) {
    const auto text = node.Scalar();
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, out);
    if (error != std::errc{} || stop != end || out < 1 || out > most)
        return invalid(node, key, fmt::format("want a number from 1 to {}", most));
    return {};
}

bool is_place(const std::string& text) {
    return text.starts_with(kBucketScheme) && text.size() > kBucketScheme.size() &&
           text[kBucketScheme.size()] != '/';
}

enum class Places { urls, urls_and_buckets };

Result<> set_urls(std::map<std::string, std::string>& out, const YAML::Node& node,
                  const std::string& key, Places places) {
    if (!node.IsMap()) return invalid(node, key, "want a map from ARNs to URLs");
    for (const auto& entry : node) {
        const auto arn = entry.first.Scalar();
        if (!arn.starts_with("arn:")) return invalid(entry.first, key, "not an ARN: " + arn);
        const auto text = entry.second.IsScalar() ? entry.second.Scalar() : "";
        const bool is_bucket = places == Places::urls_and_buckets && is_place(text);
        if (!is_bucket && !net::parse_url(text))
            return invalid(
                entry.first, key,
                fmt::format("want an http(s) URL{} for {}",
                            places == Places::urls ? "" : " or s3://bucket/prefix", arn));
        out[arn] = text;
    }
    return {};
}

Result<> set(MemoryConfig& config, const std::string& key, const YAML::Node& node) {
    if (key == "topics") return set_urls(config.topics, node, key, Places::urls);
    if (key == "streams") return set_urls(config.streams, node, key, Places::urls_and_buckets);
    if (!node.IsScalar()) return invalid(node, key, "is one value");
    if (key == "model_calls_per_minute")
        return set_number(config.calls_per_minute, kCallsMax, node, key);
    if (key == "graph_from") return set_number(config.graph_from, kGraphFromMax, node, key);
    if (key == "engine") {
        const auto mode = memory::engine_mode_from(node.Scalar());
        if (!mode) return invalid(node, key, "want builtin, model or auto");
        config.engine = *mode;
    } else if (key == "model") {
        config.model = node.Scalar();
    } else if (key == "prompts") {
        config.prompts = node.Scalar();
    } else if (key == "embedding") {
        const auto& name = config.embedding = node.Scalar();
        if (!name.empty() && name != embedded::kE5Model && name != embedded::kHashedModel)
            return invalid(
                node, key,
                fmt::format("want {}, {} or nothing", embedded::kE5Model, embedded::kHashedModel));
    } else {
        return invalid(node, key, "unknown key");
    }
    return {};
}

}  // namespace

Result<MemoryConfig> parse_memory_config(const YAML::Node& node) {
    MemoryConfig out;
    if (!node.IsMap())
        return fail(ErrorCode::invalid_argument,
                    fmt::format("line {}: memory is a map of keys", node.Mark().line + 1));
    for (const auto& entry : node) AC_CHECK(set(out, entry.first.as<std::string>(), entry.second));
    if (out.engine == memory::EngineMode::model && out.model.empty())
        return invalid(node, "engine", "model needs memory.model, the model's id");
    return out;
}

Result<memory::EngineConfig> engine_config(const MemoryConfig& config) {
    memory::EngineConfig out{
        .mode = config.engine, .model = config.model, .calls_per_minute = config.calls_per_minute};
    if (!config.prompts.empty()) {
        AC_TRY(out.prompts, memory::read_prompts(config.prompts));
    }
    return out;
}

}  // namespace ac::server
