// YAML to a Script.

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "models/limits.h"
#include "models/script.h"
#include "models/yaml_map.h"

namespace ac::models {
namespace {

constexpr std::size_t kRulesMax = 10'000;

// YAML's plain scalars are typed as JSON would read them; quoted ones are texts.
json::value scalar_to_json(const YAML::Node& node) {
    const std::string& text = node.Scalar();
    if (node.Tag() == "!") return json::value(text);
    std::int64_t integer = 0;
    double number = 0;
    bool flag = false;
    if (YAML::convert<std::int64_t>::decode(node, integer)) return integer;
    if (YAML::convert<double>::decode(node, number)) return number;
    if (YAML::convert<bool>::decode(node, flag)) return flag;
    return json::value(text);
}

Result<json::value> to_json(const YAML::Node& node, std::size_t depth = 0) {
    if (depth > kJsonDepthMax) return yaml_error(node, "nested too deeply");
    if (node.IsNull()) return json::value(nullptr);
    if (node.IsScalar()) return scalar_to_json(node);
    if (node.IsSequence()) {
        json::array out;
        for (const YAML::Node& item : node) {
            AC_TRY(auto value, to_json(item, depth + 1));
            out.push_back(std::move(value));
        }
        return json::value(std::move(out));
    }
    json::object out;
    for (const auto& entry : node) {
        AC_TRY(auto value, to_json(entry.second, depth + 1));
        out[entry.first.as<std::string>()] = std::move(value);
    }
    return json::value(std::move(out));
}

Result<std::optional<std::regex>> read_pattern(YamlMap& map) {
    std::string text;
    AC_CHECK(map.read("pattern", text));
    if (text.empty()) return std::optional<std::regex>();
    try {
        return std::optional(std::regex(text, std::regex::icase | std::regex::ECMAScript));
    } catch (const std::regex_error& error) {
        return yaml_error(map.node(), "pattern: " + std::string(error.what()));
    }
}

template <class T>
Result<> read_optional(YamlMap& map, const std::string& key, std::optional<T>& out) {
    if (!map.has(key)) return {};
    T value{};
    AC_CHECK(map.read(key, value));
    out = value;
    return {};
}

Result<ScriptCondition> parse_condition(const YAML::Node& node) {
    AC_TRY(YamlMap map, YamlMap::open(node, "when"));
    ScriptCondition condition;
    AC_CHECK(map.read_texts("prompt", condition.prompt));
    AC_TRY(condition.pattern, read_pattern(map));
    AC_CHECK(map.read("system", condition.system));
    AC_CHECK(map.read("model", condition.model));
    AC_CHECK(read_optional(map, "turn", condition.turn));
    AC_CHECK(read_optional(map, "tool_results", condition.tool_results));
    AC_CHECK(map.read("tool", condition.tool));
    AC_CHECK(read_optional(map, "output_format", condition.output_format));
    AC_CHECK(map.end());
    return condition;
}

Result<ScriptTool> parse_tool(const YAML::Node& node) {
    AC_TRY(YamlMap map, YamlMap::open(node, "tool"));
    ScriptTool tool;
    AC_CHECK(map.read("name", tool.name));
    if (tool.name.empty()) return yaml_error(node, "tool.name is missing");
    AC_CHECK(map.read("id", tool.id));
    const YAML::Node input = map.take("input");
    tool.input = json::object();
    if (input.IsDefined()) {
        AC_TRY(tool.input, to_json(input));
    }
    AC_CHECK(map.end());
    return tool;
}

Result<ScriptStep> parse_step(const YAML::Node& node) {
    if (node.IsScalar()) return ScriptStep(TextBlock{node.Scalar()});
    AC_TRY(YamlMap map, YamlMap::open(node, "answer"));
    std::string text;
    AC_CHECK(map.read("text", text));
    ScriptReasoning reasoning;
    AC_CHECK(map.read("reasoning", reasoning.text));
    AC_CHECK(map.read("signature", reasoning.signature));
    const YAML::Node tool = map.take("tool");
    const YAML::Node value = map.take("json");
    AC_CHECK(map.end());
    if (tool.IsDefined()) {
        AC_TRY(auto parsed, parse_tool(tool));
        return ScriptStep(std::move(parsed));
    }
    if (value.IsDefined()) {
        AC_TRY(const auto parsed, to_json(value));
        return ScriptStep(TextBlock{json::serialize(parsed)});
    }
    if (!reasoning.text.empty()) return ScriptStep(std::move(reasoning));
    return ScriptStep(TextBlock{std::move(text)});
}

Result<std::vector<ScriptStep>> parse_answer(const YAML::Node& node) {
    std::vector<ScriptStep> steps;
    if (!node.IsDefined()) return steps;
    if (!node.IsSequence()) {
        AC_TRY(auto step, parse_step(node));
        steps.push_back(std::move(step));
        return steps;
    }
    for (const YAML::Node& item : node) {
        AC_TRY(auto step, parse_step(item));
        steps.push_back(std::move(step));
    }
    return steps;
}

Result<Error> error_called(const YAML::Node& node, const std::string& name, std::string message) {
    if (name == "throttled") return Error{ErrorCode::throttled, std::move(message)};
    if (name == "timeout") return Error{ErrorCode::deadline_exceeded, std::move(message)};
    if (name == "validation") return Error{ErrorCode::invalid_argument, std::move(message)};
    if (name == "access_denied") return Error{ErrorCode::permission_denied, std::move(message)};
    if (name == "not_found") return Error{ErrorCode::not_found, std::move(message)};
    if (name == "unavailable") return Error{ErrorCode::unavailable, std::move(message)};
    if (name == "internal") return Error{ErrorCode::internal, std::move(message)};
    if (name == "not_ready") return model_not_ready(std::move(message));
    if (name == "model") return model_failed(std::move(message));
    return yaml_error(node,
                      "fail.error is throttled, timeout, validation, access_denied, "
                      "not_found, unavailable, internal, not_ready or model");
}

Result<std::optional<Error>> parse_failure(const YAML::Node& node) {
    if (!node.IsDefined()) return std::optional<Error>();
    AC_TRY(YamlMap map, YamlMap::open(node, "fail"));
    std::string name;
    std::string message = "the script says so";
    AC_CHECK(map.read("error", name));
    AC_CHECK(map.read("message", message));
    AC_CHECK(map.end());
    AC_TRY(auto error, error_called(node, name, std::move(message)));
    return std::optional(std::move(error));
}

Result<ScriptRule::Break> parse_break(YamlMap& map) {
    std::string text = "none";
    AC_CHECK(map.read("breaks", text));
    if (text == "none") return ScriptRule::Break::none;
    if (text == "garbage") return ScriptRule::Break::garbage;
    if (text == "half") return ScriptRule::Break::half;
    if (text == "nothing") return ScriptRule::Break::nothing;
    if (text == "hang") return ScriptRule::Break::hang;
    return yaml_error(map.node(), "breaks is none, garbage, half, nothing or hang");
}

Result<> read_usage(YamlMap& map, std::optional<Usage>& out) {
    const YAML::Node node = map.take("usage");
    if (!node.IsDefined()) return {};
    AC_TRY(YamlMap usage, YamlMap::open(node, "usage"));
    out.emplace();
    AC_CHECK(usage.read("input", out->input_tokens));
    AC_CHECK(usage.read("output", out->output_tokens));
    return usage.end();
}

Result<> read_delays(YamlMap& map, ScriptRule& rule) {
    std::int64_t first = 0;
    std::int64_t each = 0;
    AC_CHECK(map.read_bounded<std::int64_t>("first_delay_ms", first, 0, 3'600'000));
    AC_CHECK(map.read_bounded<std::int64_t>("delay_ms", each, 0, 3'600'000));
    rule.first_delay = Milliseconds{first};
    rule.delay = Milliseconds{each};
    return map.read_bounded<std::size_t>("chunk_bytes", rule.chunk_bytes, 0, 1 << 20);
}

Result<ScriptRule> parse_rule(const YAML::Node& node) {
    AC_TRY(YamlMap map, YamlMap::open(node, "rules"));
    ScriptRule rule;
    if (const YAML::Node when = map.take("when"); when.IsDefined()) {
        AC_TRY(rule.when, parse_condition(when));
    }
    AC_TRY(rule.answer, parse_answer(map.take("answer")));
    AC_TRY(rule.error, parse_failure(map.take("fail")));
    AC_TRY(rule.breaks, parse_break(map));
    AC_CHECK(read_usage(map, rule.usage));
    AC_CHECK(read_delays(map, rule));
    AC_CHECK(map.read_bounded<std::int64_t>("times", rule.times, 0, 1'000'000'000));
    std::string reason;
    AC_CHECK(map.read("stop_reason", reason));
    rule.stop_reason = stop_reason_from(reason);
    if (!reason.empty() && !rule.stop_reason)
        return yaml_error(node, "no stop reason is called " + reason);
    AC_CHECK(map.end());
    return rule;
}

}  // namespace

Result<Script> parse_script(std::string_view yaml) {
    try {
        const YAML::Node root = YAML::Load(std::string(yaml));
        AC_TRY(YamlMap map, YamlMap::open(root, "script"));
        Script script;
        AC_CHECK(map.read_bounded<std::size_t>("dimensions", script.dimensions, 1, 4096));
        const YAML::Node rules = map.take("rules");
        AC_CHECK(map.end());
        if (!rules.IsDefined()) return script;
        if (!rules.IsSequence() || rules.size() > kRulesMax)
            return yaml_error(rules, "rules is a list");
        for (const YAML::Node& node : rules) {
            AC_TRY(auto rule, parse_rule(node));
            script.rules.push_back(std::move(rule));
        }
        return script;
    } catch (const YAML::Exception& error) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("line {}: {}", error.mark.line + 1, error.msg));
    }
}

}  // namespace ac::models
