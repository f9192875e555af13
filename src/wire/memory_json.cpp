#include "wire/memory_json.h"

#include <boost/json.hpp>

#include "wire/memory_strategies.h"
#include "wire/runtime_json.h"

namespace ac::wire {
namespace {

std::string text_in(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? json::value_to<std::string>(*value) : "";
}

std::int64_t number_in(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : 0;
}

const json::object* object_in(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value == nullptr ? nullptr : value->if_object();
}

const json::array* array_in(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value == nullptr ? nullptr : value->if_array();
}

WallTime time_in(const json::object& object, std::string_view name) {
    return from_epoch_ms(number_in(object, name));
}

std::unexpected<Error> invalid(std::string_view path, std::string_view message) {
    Error error{.code = ErrorCode::invalid_argument,
                .message = std::string(path) + ": " + std::string(message)};
    error.fields.push_back({std::string(path), std::string(message)});
    return fail(std::move(error));
}

memory::Idempotency once_from(const json::object& input) {
    auto once = idempotency_from(input);
    return {.token = std::move(once.token), .parameters = std::move(once.parameters)};
}

std::string arn_of(const memory::Memory& memory) {
    return "arn:aws:bedrock-agentcore:" + memory.scope.region + ":" + memory.scope.account +
           std::string(kMemoryArnMark) + memory.id.text();
}

// Members that are stored and shown as they came.
constexpr std::string_view kDetails[] = {"description", "encryptionKeyArn",
                                         "memoryExecutionRoleArn", "namespaceKeys",
                                         "streamDeliveryResources"};

Result<std::vector<memory::Strategy>> strategies_from(const json::array* list) {
    std::vector<memory::Strategy> out;
    if (list == nullptr) return out;
    for (const auto& item : *list) {
        AC_TRY(auto strategy, strategy_from(item.as_object()));
        out.push_back(std::move(strategy));
    }
    return out;
}

memory::Metadata metadata_in(const json::object& input) {
    memory::Metadata out;
    if (const auto* metadata = object_in(input, "metadata"))
        for (const auto& [key, value] : *metadata)
            out.entries.emplace_back(std::string(key), text_in(value.as_object(), "stringValue"));
    return out;
}

json::object variables_in(const json::object& input) {
    const auto* configuration = object_in(input, "extractionConfig");
    const auto* variables =
        configuration == nullptr ? nullptr : object_in(*configuration, "namespaceVariables");
    return variables == nullptr ? json::object() : *variables;
}

memory::Operator operator_from(std::string_view name) {
    using memory::Operator;
    if (name == "EXISTS") return Operator::exists;
    if (name == "NOT_EXISTS") return Operator::not_exists;
    if (name == "BEFORE") return Operator::before;
    if (name == "AFTER") return Operator::after;
    if (name == "CONTAINS") return Operator::contains;
    if (name == "GREATER_THAN") return Operator::greater_than;
    if (name == "GREATER_THAN_OR_EQUALS") return Operator::greater_than_or_equals;
    if (name == "LESS_THAN") return Operator::less_than;
    if (name == "LESS_THAN_OR_EQUALS") return Operator::less_than_or_equals;
    return Operator::equals_to;
}

bool needs_value(memory::Operator op) {
    return op != memory::Operator::exists && op != memory::Operator::not_exists;
}

const json::object* right_value(const json::object& filter) {
    const auto* right = object_in(filter, "right");
    return right == nullptr ? nullptr : object_in(*right, "metadataValue");
}

Result<std::vector<memory::EventFilter>> event_filters_from(const json::object& filter) {
    std::vector<memory::EventFilter> out;
    const auto* list = array_in(filter, "eventMetadata");
    if (list == nullptr) return out;
    for (const auto& item : *list) {
        const auto& one = item.as_object();
        memory::EventFilter own{.key = text_in(one.at("left").as_object(), "metadataKey"),
                                .op = operator_from(text_in(one, "operator"))};
        const auto* value = right_value(one);
        if (needs_value(own.op) && value == nullptr)
            return invalid("filter.eventMetadata", "this operator needs a right side");
        if (value != nullptr) own.value = text_in(*value, "stringValue");
        out.push_back(std::move(own));
    }
    return out;
}

Result<std::vector<memory::RecordFilter>> record_filters_from(const json::array* list) {
    std::vector<memory::RecordFilter> out;
    if (list == nullptr) return out;
    for (const auto& item : *list) {
        const auto& one = item.as_object();
        memory::RecordFilter own{.key = text_in(one.at("left").as_object(), "metadataKey"),
                                 .op = operator_from(text_in(one, "operator"))};
        if (const auto* value = right_value(one)) {
            auto decoded = memory::metadata_from_json({{"value", *value}});
            if (!decoded.empty()) own.value = std::move(decoded.front().second);
        }
        if (needs_value(own.op) && !own.value)
            return invalid("metadataFilters", "this operator needs a right side");
        out.push_back(std::move(own));
    }
    return out;
}

Result<memory::SpaceSelection> spaces_from(const json::object& input) {
    const bool exact = input.contains("namespace");
    const bool below = input.contains("namespacePath");
    if (exact == below)
        return invalid("namespace", "exactly one of namespace and namespacePath is required");
    return memory::SpaceSelection{.space = text_in(input, exact ? "namespace" : "namespacePath"),
                                  .below = below};
}

std::string first_text(const json::object& object, std::string_view name) {
    const auto* list = array_in(object, name);
    return list == nullptr || list->empty() ? "" : json::value_to<std::string>(list->front());
}

}  // namespace

Result<memory::MemoryId> memory_id_from(const Scope& scope, const json::object& input) {
    return memory_id_of(scope, text_in(input, "memoryId"));
}

Result<memory::MemoryId> memory_id_of(const Scope& scope, const std::string& text) {
    const auto mark = text.find(kMemoryArnMark);
    if (mark == std::string::npos) return memory::MemoryId(text);
    const auto own = ":" + scope.region + ":" + scope.account;
    if (!text.substr(0, mark).ends_with(own))
        return fail(ErrorCode::not_found, "Memory not found: " + text);
    return memory::MemoryId(text.substr(mark + kMemoryArnMark.size()));
}

memory::PageRequest memory_page_from(const json::object& input) {
    return {.items_max = static_cast<int>(number_in(input, "maxResults")),
            .token = text_in(input, "nextToken")};
}

Result<memory::NewMemory> new_memory_from(const json::object& input) {
    memory::NewMemory out{.name = text_in(input, "name"),
                          .expiry_days = static_cast<int>(number_in(input, "eventExpiryDuration")),
                          .once = once_from(input)};
    AC_TRY(out.strategies, strategies_from(array_in(input, "memoryStrategies")));
    for (const auto name : kDetails)
        if (const auto* value = input.if_contains(name)) out.details[name] = *value;
    if (const auto* keys = input.if_contains("indexedKeys")) out.details["indexedKeys"] = *keys;
    if (const auto* tags = object_in(input, "tags"))
        for (const auto& [key, value] : *tags)
            out.tags.emplace(key, json::value_to<std::string>(value));
    return out;
}

Result<memory::MemoryChange> memory_change_from(const Scope& scope, const json::object& input) {
    memory::MemoryChange out{.once = once_from(input)};
    AC_TRY(out.id, memory_id_from(scope, input));
    if (input.contains("eventExpiryDuration"))
        out.expiry_days = static_cast<int>(number_in(input, "eventExpiryDuration"));
    for (const auto name : kDetails)
        if (const auto* value = input.if_contains(name)) out.details[name] = *value;
    if (const auto* keys = array_in(input, "addIndexedKeys")) out.indexed_keys = *keys;
    const auto* strategies = object_in(input, "memoryStrategies");
    if (strategies == nullptr) return out;
    AC_TRY(out.added, strategies_from(array_in(*strategies, "addMemoryStrategies")));
    if (const auto* list = array_in(*strategies, "modifyMemoryStrategies")) {
        for (const auto& item : *list) {
            AC_TRY(auto change, strategy_change_from(item.as_object()));
            out.changed.push_back(std::move(change));
        }
    }
    if (const auto* list = array_in(*strategies, "deleteMemoryStrategies"))
        for (const auto& item : *list)
            out.removed.push_back(text_in(item.as_object(), "memoryStrategyId"));
    return out;
}

json::object memory_summary(const memory::Memory& memory) {
    json::object out;
    out["arn"] = arn_of(memory);
    out["id"] = memory.id.text();
    out["status"] = memory.status == memory::MemoryStatus::active ? "ACTIVE" : "DELETING";
    out["createdAt"] = to_epoch_ms(memory.created_at);
    out["updatedAt"] = to_epoch_ms(memory.updated_at);
    return out;
}

json::object memory_output(const memory::Memory& memory) {
    auto out = memory_summary(memory);
    out["name"] = memory.name;
    out["eventExpiryDuration"] = memory.expiry_days;
    for (const auto& [key, value] : memory.details) out[key] = value;
    json::array strategies;
    for (const auto& strategy : memory.strategies)
        strategies.emplace_back(strategy_output(strategy));
    out["strategies"] = std::move(strategies);
    return out;
}

Result<memory::Address> event_address_from(const Scope& scope, const json::object& input) {
    AC_TRY(auto id, memory_id_from(scope, input));
    return memory::Address{.memory = std::move(id),
                           .actor = memory::ActorId(text_in(input, "actorId")),
                           .session = memory::SessionId(text_in(input, "sessionId"))};
}

Result<memory::NewEvent> new_event_from(const Scope& scope, const json::object& input) {
    memory::NewEvent out{.time = time_in(input, "eventTimestamp"),
                         .metadata = metadata_in(input),
                         .extract = text_in(input, "extractionMode") != "SKIP",
                         .namespace_variables = variables_in(input),
                         .once = once_from(input)};
    // An event's id begins with its time, in digits only (API model).
    if (out.time < WallTime{}) return invalid("eventTimestamp", "must not be before 1970");
    AC_TRY(out.address, event_address_from(scope, input));
    if (const auto* payload = array_in(input, "payload")) out.payload = *payload;
    if (const auto* branch = object_in(input, "branch")) {
        out.has_branch = true;
        out.branch.name = text_in(*branch, "name");
        if (const auto root = text_in(*branch, "rootEventId"); !root.empty())
            out.branch.root = memory::EventId(root);
    }
    return out;
}

Result<memory::NewEvent> ingested_from(const Scope& scope, const json::object& input) {
    memory::NewEvent out{.time = time_in(input, "contentTimestamp"),
                         .metadata = metadata_in(input),
                         .namespace_variables = variables_in(input),
                         .once = once_from(input)};
    AC_TRY(out.address, event_address_from(scope, input));
    const auto* source = object_in(input, "source");
    const auto* given = source == nullptr ? nullptr : object_in(*source, "inline");
    const auto* payload = given == nullptr ? nullptr : array_in(*given, "payload");
    if (payload == nullptr) return invalid("source", "inline is required");
    out.payload = *payload;
    return out;
}

Result<memory::EventQuery> event_query_from(const Scope& scope, const json::object& input) {
    memory::EventQuery out{.page = memory_page_from(input)};
    AC_TRY(out.address, event_address_from(scope, input));
    const auto* payloads = input.if_contains("includePayloads");
    out.with_payloads = payloads == nullptr || !payloads->is_bool() || payloads->get_bool();
    const auto* filter = object_in(input, "filter");
    if (filter == nullptr) return out;
    if (const auto* branch = object_in(*filter, "branch")) {
        out.branch = text_in(*branch, "name");
        const auto* parents = branch->if_contains("includeParentBranches");
        out.with_parent_branches = parents != nullptr && parents->is_bool() && parents->get_bool();
    }
    AC_TRY(out.filters, event_filters_from(*filter));
    return out;
}

json::object event_output(const memory::Event& event) {
    json::object out;
    out["memoryId"] = event.address.memory.text();
    out["actorId"] = event.address.actor.text();
    out["sessionId"] = event.address.session.text();
    out["eventId"] = event.id.text();
    out["eventTimestamp"] = to_epoch_ms(event.time);
    out["payload"] = event.payload;
    json::object branch;
    branch["name"] = event.branch.name;
    if (event.branch.root) branch["rootEventId"] = event.branch.root->text();
    out["branch"] = std::move(branch);
    if (!event.metadata.entries.empty()) {
        json::object metadata;
        for (const auto& [key, value] : event.metadata.entries)
            metadata[key] = json::object{{"stringValue", value}};
        out["metadata"] = std::move(metadata);
    }
    return out;
}

std::vector<memory::NewRecord> new_records_from(const json::object& input) {
    std::vector<memory::NewRecord> out;
    for (const auto& item : input.at("records").as_array()) {
        const auto& given = item.as_object();
        memory::NewRecord record{.request_id = text_in(given, "requestIdentifier"),
                                 .space = first_text(given, "namespaces"),
                                 .strategy = text_in(given, "memoryStrategyId"),
                                 .text = text_in(given.at("content").as_object(), "text"),
                                 .time = time_in(given, "timestamp")};
        if (const auto* metadata = object_in(given, "metadata"))
            record.metadata = memory::metadata_from_json(*metadata);
        out.push_back(std::move(record));
    }
    return out;
}

std::vector<memory::RecordChange> record_changes_from(const json::object& input) {
    std::vector<memory::RecordChange> out;
    for (const auto& item : input.at("records").as_array()) {
        const auto& given = item.as_object();
        memory::RecordChange change{.id = memory::RecordId(text_in(given, "memoryRecordId")),
                                    .time = time_in(given, "timestamp")};
        if (const auto* content = object_in(given, "content"))
            change.text = text_in(*content, "text");
        if (given.contains("namespaces")) change.space = first_text(given, "namespaces");
        if (given.contains("memoryStrategyId"))
            change.strategy = text_in(given, "memoryStrategyId");
        if (const auto* metadata = object_in(given, "metadata"))
            change.metadata = memory::metadata_from_json(*metadata);
        out.push_back(std::move(change));
    }
    return out;
}

Result<memory::RecordQuery> record_query_from(const Scope& scope, const json::object& input) {
    memory::RecordQuery out{.strategy = text_in(input, "memoryStrategyId"),
                            .page = memory_page_from(input)};
    AC_TRY(out.memory, memory_id_from(scope, input));
    AC_TRY(out.spaces, spaces_from(input));
    const auto* filters = array_in(input, "metadataFilters");
    if (const auto* criteria = object_in(input, "searchCriteria")) {
        out.text = text_in(*criteria, "searchQuery");
        out.strategy = text_in(*criteria, "memoryStrategyId");
        out.topk = static_cast<std::size_t>(number_in(*criteria, "topK"));
        filters = array_in(*criteria, "metadataFilters");
    }
    AC_TRY(out.filters, record_filters_from(filters));
    return out;
}

Result<memory::RecordExpiry> record_expiry_from(const json::object& input, ExpiryUse use) {
    memory::RecordExpiry out;
    const auto* given = object_in(input, "recordExpirySpecification");
    if (given == nullptr) return out;
    if (given->contains("recordExpiryDurationDays"))
        out.days = static_cast<int>(number_in(*given, "recordExpiryDurationDays"));
    out.is_removed = given->contains("action");
    if (out.is_removed && use == ExpiryUse::create)
        return invalid("recordExpirySpecification.action", "applies to updates only");
    return out;
}

json::object record_output(const memory::Record& record) {
    json::object out;
    out["memoryRecordId"] = record.id.text();
    out["content"] = json::object{{"text", record.text}};
    out["memoryStrategyId"] =
        record.strategy.empty() ? std::string(memory::kNoStrategy) : record.strategy;
    json::array namespaces;
    if (!record.space.empty()) namespaces.emplace_back(record.space);
    out["namespaces"] = std::move(namespaces);
    out["createdAt"] = to_epoch_ms(record.created_at);
    if (!record.metadata.empty()) out["metadata"] = memory::metadata_to_json(record.metadata);
    if (record.expires_at) out["expiresAt"] = to_epoch_ms(*record.expires_at);
    return out;
}

json::object batch_output(const std::vector<memory::BatchOutcome>& outcomes) {
    json::array good;
    json::array bad;
    for (const auto& outcome : outcomes) {
        json::object item;
        item["memoryRecordId"] = outcome.id.text();
        if (!outcome.request_id.empty()) item["requestIdentifier"] = outcome.request_id;
        item["status"] = outcome.error ? "FAILED" : "SUCCEEDED";
        if (outcome.error) {
            item["errorCode"] = outcome.error->code == ErrorCode::not_found ? 404 : 500;
            item["errorMessage"] = outcome.error->message;
        }
        (outcome.error ? bad : good).emplace_back(std::move(item));
    }
    json::object out;
    out["successfulRecords"] = std::move(good);
    out["failedRecords"] = std::move(bad);
    return out;
}

json::object job_output(const memory::FailedJob& job) {
    json::array messages;
    for (std::size_t i = 0; i < job.messages; ++i)
        messages.emplace_back(
            json::object{{"eventId", job.event.text()}, {"messageIndex", static_cast<int>(i)}});
    json::object out;
    out["jobID"] = job.id;
    out["messages"] = json::object{{"messagesList", std::move(messages)}};
    out["status"] = "FAILED";
    out["failureReason"] = job.reason;
    if (!job.strategy.empty()) out["strategyId"] = job.strategy;
    out["sessionId"] = job.address.session.text();
    out["actorId"] = job.address.actor.text();
    return out;
}

}  // namespace ac::wire
