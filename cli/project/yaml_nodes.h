#pragma once
// Reading, making and printing YAML nodes. Only project/ includes this: yaml-cpp is slow to
// compile.

#include <yaml-cpp/yaml.h>

#include <boost/json/value.hpp>
#include <optional>
#include <string>

namespace ac::cli::yaml {

// A file that is nested deeper, or expands to more nodes through aliases, is refused.
inline constexpr int kDepthMax = 32;  // the project file's schema needs 6
inline constexpr int kNodesMax = 100'000;
bool within_bounds(const YAML::Node& node);

// "" unless it is a scalar.
std::string text_of(const YAML::Node& node);
std::string text_at(const YAML::Node& map, const char* key);
std::optional<int> integer_at(const YAML::Node& map, const char* key);
// A copy of `map[key]` as a map, or an empty one: reading never creates entries.
YAML::Node map_at(const YAML::Node& map, const char* key);

// New nodes. Each call makes its own: assigning to a node changes every place that shares it.
YAML::Node none();
// A string even when it looks like a number (account ids).
YAML::Node quoted(const std::string& text);
YAML::Node text_or_none(const std::string& text);
YAML::Node integer_or_none(const std::optional<int>& value);

// Sets `map[key]` unless it is there.
void default_to(YAML::Node map, const char* key, const YAML::Node& value);
// `map[key]`, made a map when it is none.
YAML::Node child_map(YAML::Node map, const char* key);

boost::json::value to_json(const YAML::Node& node, int depth = 0);
YAML::Node from_json(const boost::json::value& value);

// With the quotes that were read: yaml-cpp's own emitter drops them, which would turn
// '000000000000' into a number for the next reader.
std::string print(const YAML::Node& node);

}  // namespace ac::cli::yaml
