#pragma once
// A YAML map read key by key: every key is asked for once, what nobody asked for is a misspelt key
// and an error. Errors name the line.

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"

namespace ac::models {

[[nodiscard]] inline std::unexpected<Error> yaml_error(const YAML::Node& node, std::string what) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("line {}: {}", node.Mark().line + 1, std::move(what)));
}

class YamlMap final {
  public:
    // `name` is where it stands, for errors: "models.providers.local".
    static Result<YamlMap> open(YAML::Node node, std::string name) {
        if (!node.IsMap()) return yaml_error(node, name + " is a map");
        return YamlMap(std::move(node), std::move(name));
    }

    bool has(const std::string& key) const { return node_[key].IsDefined(); }
    // An undefined node when it is not there.
    YAML::Node take(const std::string& key) {
        taken_.insert(key);
        return node_[key];
    }
    // Leaves `out` as it is when the key is not there.
    template <class T>
    Result<> read(const std::string& key, T& out) {
        const YAML::Node value = take(key);
        if (!value.IsDefined()) return {};
        if (!value.IsScalar()) return yaml_error(value, path(key) + " is one value");
        if (!YAML::convert<T>::decode(value, out))
            return yaml_error(value, path(key) + ": cannot read '" + value.Scalar() + "'");
        return {};
    }
    template <class T>
    Result<> read_bounded(const std::string& key, T& out, T least, T most) {
        AC_CHECK(read(key, out));
        if (!(out >= least && out <= most))
            return yaml_error(node_[key],
                              fmt::format("{} is from {} to {}", path(key), least, most));
        return {};
    }
    // One text or a list of texts.
    Result<> read_texts(const std::string& key, std::vector<std::string>& out) {
        const YAML::Node value = take(key);
        if (!value.IsDefined()) return {};
        if (value.IsScalar()) {
            out = {value.Scalar()};
            return {};
        }
        if (!value.IsSequence()) return yaml_error(value, path(key) + " is a text or a list");
        out.clear();
        for (const YAML::Node& item : value) {
            if (!item.IsScalar()) return yaml_error(item, path(key) + " is a list of texts");
            out.push_back(item.Scalar());
        }
        return {};
    }
    // After everything was asked for.
    Result<> end() const {
        for (const auto& entry : node_) {
            if (!entry.first.IsScalar()) return yaml_error(entry.first, name_ + ": keys are texts");
            if (!taken_.contains(entry.first.Scalar()))
                return yaml_error(entry.first, "unknown key " + path(entry.first.Scalar()));
        }
        return {};
    }
    const YAML::Node& node() const { return node_; }
    std::string path(const std::string& key) const { return name_ + "." + key; }

  private:
    YamlMap(YAML::Node node, std::string name) : node_(std::move(node)), name_(std::move(name)) {}

    YAML::Node node_;
    std::string name_;
    std::set<std::string, std::less<>> taken_;
};

}  // namespace ac::models
