#include "memory/namespace_rules.h"

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "memory/value_pattern.h"

namespace ac::memory {

namespace {

constexpr std::string_view kGiven[] = {"actorId", "sessionId", "memoryStrategyId", "strategyId"};

std::unexpected<Error> invalid(std::string field, std::string message) {
    Error error{.code = ErrorCode::invalid_argument, .message = field + ": " + message};
    error.fields.push_back({std::move(field), std::move(message)});
    return fail(std::move(error));
}

const json::object* object_in(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value == nullptr ? nullptr : value->if_object();
}

const json::array& keys_of(const Memory& memory) {
    static const json::array none;
    const auto* keys = memory.details.if_contains("namespaceKeys");
    return keys != nullptr && keys->is_array() ? keys->get_array() : none;
}

const json::object* declaration(const Memory& memory, std::string_view name) {
    for (const auto& key : keys_of(memory))
        if (key.at("key").as_string() == name) return &key.as_object();
    return nullptr;
}

Result<> check_template(const Memory& memory, std::string_view pattern) {
    for (const auto& name : variables_of(pattern)) {
        if (std::ranges::find(kGiven, name) != std::end(kGiven)) continue;
        if (declaration(memory, name) == nullptr)
            return invalid("namespaceTemplates",
                           "{" + name + "} is not among the memory's namespaceKeys");
    }
    return {};
}

bool allows(const json::object& declared, const std::string& value) {
    const auto* validation = object_in(declared, "validation");
    if (validation == nullptr) return true;
    if (const auto* allowed = validation->if_contains("allowedValues"); allowed != nullptr) {
        const auto& list = allowed->as_array();
        if (std::ranges::find(list, json::value(value)) == list.end()) return false;
    }
    const auto* pattern = validation->if_contains("regexPattern");
    return pattern == nullptr || matches_pattern(json::value_to<std::string>(*pattern), value);
}

}  // namespace

std::vector<std::string> variables_of(std::string_view pattern) {
    std::vector<std::string> out;
    for (auto open = pattern.find('{'); open != pattern.npos; open = pattern.find('{', open)) {
        const auto close = pattern.find('}', open);
        if (close == pattern.npos) break;
        out.emplace_back(pattern.substr(open + 1, close - open - 1));
        open = close;
    }
    return out;
}

Result<> check_namespaces(const Memory& memory) {
    std::set<std::string> names;
    for (const auto& key : keys_of(memory)) {
        const auto name = json::value_to<std::string>(key.at("key"));
        if (!names.insert(name).second) return invalid("namespaceKeys", name + " is there twice");
        const auto* validation = object_in(key.as_object(), "validation");
        if (validation == nullptr || !validation->contains("regexPattern")) continue;
        const auto pattern = json::value_to<std::string>(validation->at("regexPattern"));
        if (const auto checked = check_pattern(pattern); !checked)
            return invalid("namespaceKeys", checked.error().message);
    }
    for (const auto& strategy : memory.strategies) {
        AC_CHECK(check_template(memory, strategy.namespace_template));
        AC_CHECK(check_template(memory, reflection_template(strategy)));
    }
    return {};
}

Result<> check_variables(const Memory& memory, const json::object& variables) {
    constexpr auto kField = "extractionConfig.namespaceVariables";
    for (const auto& [name, value] : variables) {
        const auto* declared = declaration(memory, name);
        if (declared == nullptr)
            return invalid(kField, std::string(name) + " is not among the memory's namespaceKeys");
        if (!allows(*declared, json::value_to<std::string>(value)))
            return invalid(kField, "the value of " + std::string(name) + " is not allowed");
    }
    return {};
}

std::string reflection_template(const Strategy& strategy) {
    const auto* reflection = object_in(strategy.configuration, "reflection");
    if (reflection == nullptr) return {};
    const auto* own = object_in(*reflection, "episodicReflectionConfiguration");
    if (own == nullptr) {
        const auto* custom = object_in(*reflection, "customReflectionConfiguration");
        if (custom != nullptr) own = object_in(*custom, "episodicReflectionOverride");
    }
    if (own == nullptr) return {};
    for (const std::string_view name : {"namespaceTemplates", "namespaces"}) {
        const auto* list = own->if_contains(name);
        if (list != nullptr && list->is_array() && !list->get_array().empty())
            return json::value_to<std::string>(list->get_array().front());
    }
    return {};
}

}  // namespace ac::memory
