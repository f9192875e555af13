#include "cli/project/yaml_nodes.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace ac::cli::yaml {

namespace json = boost::json;

namespace {

void emit(YAML::Emitter& out, const YAML::Node& node) {
    if (node.IsMap()) {
        if (node.size() == 0) out << YAML::Flow;
        out << YAML::BeginMap;
        for (const auto& entry : node) {
            out << YAML::Key;
            emit(out, entry.first);
            out << YAML::Value;
            emit(out, entry.second);
        }
        out << YAML::EndMap;
    } else if (node.IsSequence()) {
        if (node.size() == 0) out << YAML::Flow;
        out << YAML::BeginSeq;
        for (const auto& element : node) emit(out, element);
        out << YAML::EndSeq;
    } else if (node.IsScalar()) {
        if (node.Tag() == "!") out << YAML::SingleQuoted;
        out << node.Scalar();
    } else {
        out << YAML::Null;
    }
}

bool is_bounded(const YAML::Node& node, int& nodes_left, int depth) {
    if (depth > kDepthMax || --nodes_left < 0) return false;
    if (node.IsMap()) {
        for (const auto& entry : node)
            if (!entry.first.IsScalar() || !is_bounded(entry.second, nodes_left, depth + 1))
                return false;
    } else if (node.IsSequence()) {
        for (const auto& element : node)
            if (!is_bounded(element, nodes_left, depth + 1)) return false;
    }
    return true;
}

}  // namespace

std::string text_of(const YAML::Node& node) {
    return node && node.IsScalar() ? node.Scalar() : std::string();
}

std::string text_at(const YAML::Node& map, const char* key) {
    return map && map.IsMap() ? text_of(map[key]) : std::string();
}

YAML::Node map_at(const YAML::Node& map, const char* key) {
    if (map && map.IsMap())
        if (const YAML::Node child = map[key]; child && child.IsMap()) return child;
    return YAML::Node(YAML::NodeType::Map);
}

std::optional<int> integer_at(const YAML::Node& map, const char* key) {
    int value = 0;
    const YAML::Node node = map[key];
    if (node && node.IsScalar() && YAML::convert<int>::decode(node, value)) return value;
    return std::nullopt;
}

// The tag "!" is how yaml-cpp marks a scalar that was quoted.
YAML::Node quoted(const std::string& text) {
    YAML::Node node(text);
    node.SetTag("!");
    return node;
}

YAML::Node none() {
    return YAML::Node(YAML::NodeType::Null);
}

YAML::Node text_or_none(const std::string& text) {
    return text.empty() ? none() : YAML::Node(text);
}

YAML::Node integer_or_none(const std::optional<int>& value) {
    return value ? YAML::Node(*value) : none();
}

json::value to_json(const YAML::Node& node, int depth) {
    if (depth > kDepthMax || !node || node.IsNull()) return nullptr;
    if (node.IsSequence()) {
        json::array list;
        for (const auto& element : node) list.push_back(to_json(element, depth + 1));
        return list;
    }
    if (node.IsMap()) {
        json::object object;
        for (const auto& entry : node)
            object[entry.first.Scalar()] = to_json(entry.second, depth + 1);
        return object;
    }
    if (node.Tag() != "!") {
        bool flag = false;
        std::int64_t number = 0;
        if (YAML::convert<bool>::decode(node, flag)) return flag;
        if (YAML::convert<std::int64_t>::decode(node, number)) return number;
    }
    return json::string(node.Scalar());
}

void default_to(YAML::Node map, const char* key, const YAML::Node& value) {
    if (!map[key]) map[key] = value;
}

YAML::Node child_map(YAML::Node map, const char* key) {
    if (!map[key] || !map[key].IsMap()) map[key] = YAML::Node(YAML::NodeType::Map);
    return map[key];
}

YAML::Node from_json(const json::value& value) {
    YAML::Node node;
    if (const auto* list = value.if_array()) {
        node = YAML::Node(YAML::NodeType::Sequence);
        for (const auto& element : *list) node.push_back(from_json(element));
    } else if (const auto* object = value.if_object()) {
        node = YAML::Node(YAML::NodeType::Map);
        for (const auto& [key, member] : *object) node[std::string(key)] = from_json(member);
    } else if (const auto* text = value.if_string()) {
        node = quoted(std::string(*text));
    } else if (value.is_int64()) {
        node = YAML::Node(value.get_int64());
    } else if (value.is_bool()) {
        node = YAML::Node(value.get_bool());
    } else if (value.is_number()) {
        node = YAML::Node(value.to_number<double>());
    }
    return node;
}

bool within_bounds(const YAML::Node& node) {
    int nodes_left = kNodesMax;
    return is_bounded(node, nodes_left, 0);
}

std::string print(const YAML::Node& node) {
    YAML::Emitter out;
    out.SetNullFormat(YAML::LowerNull);
    emit(out, node);
    return std::string(out.c_str()) + "\n";
}

}  // namespace ac::cli::yaml
