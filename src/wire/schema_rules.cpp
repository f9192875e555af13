#include "wire/schema_rules.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string_view>
#include <utility>

namespace ac::wire {
namespace {

namespace json = boost::json;
using Fault = std::optional<SchemaFault>;

constexpr std::string_view kTypes[] = {"object",  "array",   "string", "number",
                                       "integer", "boolean", "null"};

enum class Form {
    schema,
    schema_list,
    schema_map,
    schema_or_list,
    text,
    count,
    number,
    list,
    names
};

struct Word {
    std::string_view name;
    Form form;
};

constexpr Word kWords[] = {
    {"properties", Form::schema_map},
    {"patternProperties", Form::schema_map},
    {"$defs", Form::schema_map},
    {"definitions", Form::schema_map},
    {"dependentSchemas", Form::schema_map},
    {"items", Form::schema_or_list},
    {"prefixItems", Form::schema_list},
    {"additionalProperties", Form::schema},
    {"additionalItems", Form::schema},
    {"propertyNames", Form::schema},
    {"contains", Form::schema},
    {"not", Form::schema},
    {"if", Form::schema},
    {"then", Form::schema},
    {"else", Form::schema},
    {"allOf", Form::schema_list},
    {"anyOf", Form::schema_list},
    {"oneOf", Form::schema_list},
    {"required", Form::names},
    {"enum", Form::list},
    {"$ref", Form::text},
    {"pattern", Form::text},
    {"format", Form::text},
    {"title", Form::text},
    {"description", Form::text},
    {"minLength", Form::count},
    {"maxLength", Form::count},
    {"minItems", Form::count},
    {"maxItems", Form::count},
    {"minProperties", Form::count},
    {"maxProperties", Form::count},
    {"minimum", Form::number},
    {"maximum", Form::number},
    {"multipleOf", Form::number},
};

Fault fault(std::string_view message) {
    return SchemaFault{.path = {}, .message = std::string(message)};
}

Fault below(std::string_view name, Fault inner) {
    if (inner) inner->path = std::string(name) + (inner->path.empty() ? "" : "." + inner->path);
    return inner;
}

Fault check_list_of_schemas(const json::value& value) {
    const auto* list = value.if_array();
    if (list == nullptr || list->empty()) return fault("must be a list of schemas");
    for (std::size_t i = 0; i < list->size(); ++i)
        if (auto found = below(std::to_string(i), find_schema_fault((*list)[i]))) return found;
    return std::nullopt;
}

Fault check_map_of_schemas(const json::value& value) {
    const auto* map = value.if_object();
    if (map == nullptr) return fault("must be an object of schemas");
    for (const auto& [name, schema] : *map)
        if (auto found = below(name, find_schema_fault(schema))) return found;
    return std::nullopt;
}

Fault check_names(const json::value& value) {
    const auto* list = value.if_array();
    const bool strings = list != nullptr && std::ranges::all_of(*list, [](const json::value& v) {
                             return v.is_string();
                         });
    return strings ? std::nullopt : fault("must be a list of names");
}

bool is_count(const json::value& value) {
    if (const auto* i = value.if_int64()) return *i >= 0;
    if (const auto* d = value.if_double())
        return *d >= 0 && *d == static_cast<double>(static_cast<long long>(*d));
    return value.is_uint64();
}

Fault check_form(Form form, const json::value& value) {
    switch (form) {
        case Form::schema:
            return find_schema_fault(value);
        case Form::schema_list:
            return check_list_of_schemas(value);
        case Form::schema_map:
            return check_map_of_schemas(value);
        case Form::schema_or_list:
            return value.is_array() ? check_list_of_schemas(value) : find_schema_fault(value);
        case Form::text:
            return value.is_string() ? std::nullopt : fault("must be a string");
        case Form::count:
            return is_count(value) ? std::nullopt : fault("must be an integer of 0 or more");
        case Form::number:
            return value.is_number() ? std::nullopt : fault("must be a number");
        case Form::list:
            return value.is_array() ? std::nullopt : fault("must be a list");
        case Form::names:
            return check_names(value);
    }
    return std::nullopt;
}

bool is_type_name(const json::value& value) {
    return value.is_string() &&
           std::ranges::find(kTypes, std::string_view(value.get_string())) != std::end(kTypes);
}

Fault check_type(const json::value& value) {
    if (is_type_name(value)) return std::nullopt;
    const auto* list = value.if_array();
    if (list != nullptr && !list->empty() && std::ranges::all_of(*list, is_type_name))
        return std::nullopt;
    return fault(
        "must be one of the following: object, array, string, number, integer, boolean, "
        "null");
}

}  // namespace

std::optional<SchemaFault> find_schema_fault(const json::value& schema) {
    if (schema.is_bool()) return std::nullopt;
    const auto* object = schema.if_object();
    if (object == nullptr) return fault("must be an object or a boolean");
    for (const auto& [name, value] : *object) {
        if (name == "type") {
            if (auto found = below(name, check_type(value))) return found;
            continue;
        }
        const auto* word = std::ranges::find(kWords, std::string_view(name), &Word::name);
        if (word == std::end(kWords)) continue;
        if (auto found = below(name, check_form(word->form, value))) return found;
    }
    return std::nullopt;
}

}  // namespace ac::wire
