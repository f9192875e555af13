#include "wire/memory_strategies.h"

#include <array>
#include <boost/json.hpp>

#include "wire/memory_json.h"

namespace ac::wire {
namespace {

using memory::StrategyKind;

struct StrategyForm {
    std::string_view member;  // of MemoryStrategyInput
    std::string_view type;    // of the output
    StrategyKind kind;
    std::string_view default_namespace;
};

constexpr std::string_view kActorNamespace = "/strategies/{memoryStrategyId}/actors/{actorId}/";
constexpr std::string_view kSessionNamespace =
    "/strategies/{memoryStrategyId}/actors/{actorId}/sessions/{sessionId}/";

constexpr std::array<StrategyForm, 5> kStrategies = {{
    {"semanticMemoryStrategy", "SEMANTIC", StrategyKind::semantic, kActorNamespace},
    {"summaryMemoryStrategy", "SUMMARIZATION", StrategyKind::summary, kSessionNamespace},
    {"userPreferenceMemoryStrategy", "USER_PREFERENCE", StrategyKind::user_preference,
     kActorNamespace},
    {"episodicMemoryStrategy", "EPISODIC", StrategyKind::episodic, kSessionNamespace},
    {"customMemoryStrategy", "CUSTOM", StrategyKind::semantic, kActorNamespace},
}};

struct OverrideForm {
    std::string_view member;  // of CustomConfigurationInput
    std::string_view type;    // of StrategyConfiguration
    StrategyKind kind;
    std::string_view stem;  // semanticExtractionOverride, semanticConsolidationOverride
};

constexpr std::array<OverrideForm, 4> kOverrides = {{
    {"semanticOverride", "SEMANTIC_OVERRIDE", StrategyKind::semantic, "semantic"},
    {"summaryOverride", "SUMMARY_OVERRIDE", StrategyKind::summary, "summary"},
    {"userPreferenceOverride", "USER_PREFERENCE_OVERRIDE", StrategyKind::user_preference,
     "userPreference"},
    {"episodicOverride", "EPISODIC_OVERRIDE", StrategyKind::episodic, "episodic"},
}};

std::string text_in(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? json::value_to<std::string>(*value) : "";
}

// AWS does not say what holds without triggers; these are ours.
json::array default_triggers() {
    return {{{"messageBasedTrigger", {{"messageCount", 6}}}},
            {{"tokenBasedTrigger", {{"tokenCount", 5000}}}},
            {{"timeBasedTrigger", {{"idleSessionTimeout", 1800}}}}};
}

json::object self_managed_output(const json::object& given) {
    auto own = given;
    if (!own.contains("triggerConditions")) own["triggerConditions"] = default_triggers();
    if (!own.contains("historicalContextWindowSize")) own["historicalContextWindowSize"] = 4;
    json::object out;
    out["type"] = "SELF_MANAGED";
    out["selfManagedConfiguration"] = std::move(own);
    return out;
}

// namespaceTemplates, or its older name; empty when neither is there.
std::string template_in(const json::object& object) {
    for (const std::string_view name : {"namespaceTemplates", "namespaces"}) {
        const auto* list = object.if_contains(name);
        if (list != nullptr && list->is_array() && !list->get_array().empty())
            return json::value_to<std::string>(list->get_array().front());
    }
    return {};
}

// Both names of the namespaces are shown, whichever was given.
json::object with_both_namespaces(json::object object) {
    const auto space = template_in(object);
    if (space.empty()) return object;
    object["namespaces"] = json::array{space};
    object["namespaceTemplates"] = json::array{space};
    return object;
}

json::object wrapped(std::string_view outer, std::string_view inner, const json::value& value) {
    json::object within;
    within[inner] = value;
    json::object out;
    out[outer] = std::move(within);
    return out;
}

json::object override_output(const OverrideForm& form, const json::object& given) {
    const std::string stem(form.stem);
    json::object out;
    out["type"] = form.type;
    if (const auto* part = given.if_contains("extraction"))
        out["extraction"] =
            wrapped("customExtractionConfiguration", stem + "ExtractionOverride", *part);
    if (const auto* part = given.if_contains("consolidation"))
        out["consolidation"] =
            wrapped("customConsolidationConfiguration", stem + "ConsolidationOverride", *part);
    if (const auto* part = given.if_contains("reflection"))
        out["reflection"] = wrapped("customReflectionConfiguration", "episodicReflectionOverride",
                                    with_both_namespaces(part->as_object()));
    return out;
}

Result<> read_custom(const json::object& given, memory::Strategy& strategy) {
    const auto* configuration = given.if_contains("configuration");
    if (configuration == nullptr || !configuration->is_object()) return {};
    const auto& chosen = configuration->get_object();
    if (const auto* own = chosen.if_contains("selfManagedConfiguration")) {
        strategy.kind = StrategyKind::self_managed;
        strategy.configuration = self_managed_output(own->as_object());
    }
    for (const auto& form : kOverrides) {
        const auto* part = chosen.if_contains(form.member);
        if (part == nullptr) continue;
        strategy.kind = form.kind;
        strategy.configuration = override_output(form, part->as_object());
        if (strategy.namespace_template.empty() &&
            (form.kind == StrategyKind::summary || form.kind == StrategyKind::episodic))
            strategy.namespace_template = kSessionNamespace;
    }
    return {};
}

}  // namespace

Result<memory::Strategy> strategy_from(const json::object& input) {
    for (const auto& form : kStrategies) {
        const auto* member = input.if_contains(form.member);
        if (member == nullptr) continue;
        const auto& given = member->as_object();
        memory::Strategy out{.name = text_in(given, "name"),
                             .type = std::string(form.type),
                             .kind = form.kind,
                             .description = text_in(given, "description"),
                             .namespace_template = template_in(given)};
        if (form.type == "CUSTOM") AC_CHECK(read_custom(given, out));
        if (out.namespace_template.empty()) out.namespace_template = form.default_namespace;
        if (const auto* reflection = given.if_contains("reflectionConfiguration"))
            out.configuration["reflection"] = json::object{
                {"episodicReflectionConfiguration", with_both_namespaces(reflection->as_object())}};
        if (const auto* schema = given.if_contains("memoryRecordSchema"))
            out.schema = schema->as_object();
        AC_TRY(const auto expiry, record_expiry_from(given, ExpiryUse::create));
        out.record_expiry_days = expiry.days.value_or(0);
        return out;
    }
    Error error{.code = ErrorCode::invalid_argument,
                .message = "memoryStrategies: a strategy needs exactly one member"};
    error.fields.push_back({"memoryStrategies", "a strategy needs exactly one member"});
    return fail(std::move(error));
}

Result<memory::StrategyChange> strategy_change_from(const json::object& input) {
    memory::StrategyChange out{.id = text_in(input, "memoryStrategyId")};
    if (input.contains("description")) out.description = text_in(input, "description");
    if (const auto space = template_in(input); !space.empty()) out.namespace_template = space;
    if (const auto* configuration = input.if_contains("configuration"))
        out.configuration = configuration->as_object();
    if (const auto* schema = input.if_contains("memoryRecordSchema"))
        out.schema = schema->as_object();
    AC_TRY(const auto expiry, record_expiry_from(input, ExpiryUse::change));
    out.record_expiry_days = expiry.is_removed ? std::optional(0) : expiry.days;
    return out;
}

json::object strategy_output(const memory::Strategy& strategy) {
    json::object out;
    out["strategyId"] = strategy.id;
    out["name"] = strategy.name;
    if (!strategy.description.empty()) out["description"] = strategy.description;
    if (!strategy.configuration.empty()) out["configuration"] = strategy.configuration;
    out["type"] = strategy.type;
    out["namespaces"] = json::array{strategy.namespace_template};
    out["namespaceTemplates"] = json::array{strategy.namespace_template};
    out["createdAt"] = to_epoch_ms(strategy.created_at);
    out["updatedAt"] = to_epoch_ms(strategy.updated_at);
    out["status"] = "ACTIVE";
    if (strategy.record_expiry_days > 0)
        out["recordExpiryDurationDays"] = strategy.record_expiry_days;
    if (!strategy.schema.empty()) out["memoryRecordSchema"] = strategy.schema;
    return out;
}

}  // namespace ac::wire
