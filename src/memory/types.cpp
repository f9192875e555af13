#include "memory/types.h"

#include <algorithm>
#include <boost/json/array.hpp>

namespace ac::memory {

namespace {

constexpr std::string_view kCreatedAt = "x-amz-agentcore-memory-createdAt";
constexpr std::string_view kUpdatedAt = "x-amz-agentcore-memory-updatedAt";

std::string text_of(const json::value& value) {
    return {value.get_string().data(), value.get_string().size()};
}

// Numbers and times order; texts and lists do not.
std::optional<double> ordinal(const MetadataValue& value) {
    if (const auto* number = std::get_if<double>(&value)) return *number;
    if (const auto* time = std::get_if<WallTime>(&value))
        return static_cast<double>(to_epoch_ms(*time));
    return std::nullopt;
}

bool contains(const MetadataValue& value, const MetadataValue& wanted) {
    const auto* text = std::get_if<std::string>(&wanted);
    if (text == nullptr) return false;
    if (const auto* list = std::get_if<std::vector<std::string>>(&value))
        return std::ranges::find(*list, *text) != list->end();
    const auto* own = std::get_if<std::string>(&value);
    return own != nullptr && own->find(*text) != std::string::npos;
}

bool compares(const MetadataValue& value, Operator op, const MetadataValue& wanted) {
    const bool both_times =
        std::holds_alternative<WallTime>(value) && std::holds_alternative<WallTime>(wanted);
    const auto a = ordinal(value);
    const auto b = ordinal(wanted);
    if (!a || !b || value.index() != wanted.index()) return false;
    switch (op) {
        case Operator::before:
            return both_times && *a < *b;
        case Operator::after:
            return both_times && *a > *b;
        case Operator::greater_than:
            return *a > *b;
        case Operator::greater_than_or_equals:
            return *a >= *b;
        case Operator::less_than:
            return *a < *b;
        case Operator::less_than_or_equals:
            return *a <= *b;
        default:
            return false;
    }
}

bool satisfies_one(const RecordMetadata& metadata, const RecordFilter& filter) {
    const auto found =
        std::ranges::find(metadata, filter.key, [](const auto& e) { return e.first; });
    if (filter.op == Operator::not_exists) return found == metadata.end();
    if (found == metadata.end()) return false;
    if (filter.op == Operator::exists) return true;
    if (!filter.value) return false;
    if (filter.op == Operator::equals_to) return found->second == *filter.value;
    if (filter.op == Operator::contains) return contains(found->second, *filter.value);
    return compares(found->second, filter.op, *filter.value);
}

}  // namespace

bool satisfies(const RecordMetadata& metadata, const std::vector<RecordFilter>& filters) {
    return std::ranges::all_of(filters,
                               [&](const auto& filter) { return satisfies_one(metadata, filter); });
}

bool is_system_key(std::string_view key) {
    return key == kCreatedAt || key == kUpdatedAt;
}

bool has_indexed_key(const Memory& memory, std::string_view key) {
    const auto* keys = memory.details.if_contains("indexedKeys");
    if (keys == nullptr || !keys->is_array()) return false;
    for (const auto& known : keys->get_array())
        if (known.at("key").as_string() == key) return true;
    return false;
}

bool satisfies(const Record& record, const std::vector<RecordFilter>& filters) {
    auto metadata = record.metadata;
    metadata.emplace_back(kCreatedAt, record.created_at);
    metadata.emplace_back(kUpdatedAt, record.updated_at);
    return satisfies(metadata, filters);
}

json::object metadata_to_json(const RecordMetadata& metadata) {
    json::object out;
    for (const auto& [key, value] : metadata) {
        json::object member;
        if (const auto* text = std::get_if<std::string>(&value)) {
            member["stringValue"] = *text;
        } else if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
            member["stringListValue"] = json::array(list->begin(), list->end());
        } else if (const auto* number = std::get_if<double>(&value)) {
            member["numberValue"] = *number;
        } else {
            member["dateTimeValue"] = to_epoch_ms(std::get<WallTime>(value));
        }
        out[key] = std::move(member);
    }
    return out;
}

RecordMetadata metadata_from_json(const json::object& object) {
    RecordMetadata out;
    for (const auto& [key, value] : object) {
        const auto& member = value.as_object();
        MetadataValue decoded;
        if (const auto* text = member.if_contains("stringValue")) {
            decoded = text_of(*text);
        } else if (const auto* list = member.if_contains("stringListValue")) {
            std::vector<std::string> items;
            for (const auto& item : list->as_array()) items.push_back(text_of(item));
            decoded = std::move(items);
        } else if (const auto* number = member.if_contains("numberValue")) {
            decoded = number->to_number<double>();
        } else if (const auto* time = member.if_contains("dateTimeValue")) {
            decoded = from_epoch_ms(time->to_number<std::int64_t>());
        } else {
            continue;
        }
        out.emplace_back(std::string(key), std::move(decoded));
    }
    return out;
}

}  // namespace ac::memory
