#pragma once
// The nouns of the Memory service. Documents that only pass through (payloads, strategy
// configurations) stay JSON, as the API has them; everything that decides something is typed.

#include <boost/json/object.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace ac::memory {

namespace json = boost::json;

struct MemoryIdTag;
using MemoryId = StrongId<MemoryIdTag>;
struct ActorIdTag;
using ActorId = StrongId<ActorIdTag>;
struct SessionIdTag;
using SessionId = StrongId<SessionIdTag>;
struct EventIdTag;
using EventId = StrongId<EventIdTag>;
struct RecordIdTag;
using RecordId = StrongId<RecordIdTag>;

// What a strategy makes of events. A custom strategy works like the one that it overrides.
enum class StrategyKind { semantic, user_preference, summary, episodic, self_managed };

struct Strategy {
    std::string id;  // {name}-{10}
    std::string name;
    std::string type;  // SEMANTIC, SUMMARIZATION, USER_PREFERENCE, CUSTOM, EPISODIC
    StrategyKind kind = StrategyKind::semantic;
    std::string description;
    std::string namespace_template;
    json::object configuration;  // StrategyConfiguration of the API model; may be empty
    json::object schema;         // memoryRecordSchema; may be empty
    int record_expiry_days = 0;  // of records to come; 0: they stay
    WallTime created_at;
    WallTime updated_at;
};

using Tags = std::map<std::string, std::string>;

enum class MemoryStatus { active, deleting };

struct Memory {
    std::int64_t number = 0;  // key of its rows; never shown
    Scope scope;
    MemoryId id;
    std::string name;
    int expiry_days = 0;
    std::vector<Strategy> strategies;
    // description, encryptionKeyArn, memoryExecutionRoleArn, indexedKeys, namespaceKeys: shown as
    // they came.
    json::object details;
    Tags tags;
    MemoryStatus status = MemoryStatus::active;
    WallTime created_at;
    WallTime updated_at;
};

// A clientToken with what it was sent for. An empty token: none was sent.
struct Idempotency {
    std::string token;
    std::string parameters;  // digest of the call's input
};

template <class Item>
struct Page {
    std::vector<Item> items;
    std::string next_token;  // empty: the last page
};

struct PageRequest {
    int items_max = 0;  // 0: the default
    std::string token;
};

inline constexpr std::string_view kMainBranch = "main";

struct Branch {
    std::string name{kMainBranch};
    std::optional<EventId> root;
};

struct Metadata {  // of an event: text values only
    std::vector<std::pair<std::string, std::string>> entries;
};

struct Address {
    MemoryId memory;
    ActorId actor;
    SessionId session;
};

struct NewEvent {
    Address address;  // an empty session: one is made
    WallTime time;
    json::array payload;
    Branch branch;
    bool has_branch = false;
    Metadata metadata;
    bool extract = true;
    json::object namespace_variables;
    Idempotency once;
};

struct Event {
    Address address;
    EventId id;
    WallTime time;
    json::array payload;
    Branch branch;
    Metadata metadata;
};

enum class Operator {
    equals_to,
    exists,
    not_exists,
    before,
    after,
    contains,
    greater_than,
    greater_than_or_equals,
    less_than,
    less_than_or_equals,
};

struct EventFilter {
    std::string key;
    Operator op = Operator::equals_to;
    std::string value;
};

struct EventQuery {
    Address address;
    bool with_payloads = true;
    std::optional<std::string> branch;  // nullopt: events of every branch
    bool with_parent_branches = false;
    std::vector<EventFilter> filters;
    PageRequest page;
};

struct SessionSummary {
    SessionId session;
    WallTime created_at;
};

// One metadata value of a record.
using MetadataValue = std::variant<std::string, std::vector<std::string>, double, WallTime>;
using RecordMetadata = std::vector<std::pair<std::string, MetadataValue>>;

// What a record without a strategy shows as its strategy's id; the API model requires one.
inline constexpr std::string_view kNoStrategy = "unassigned";

struct Record {
    std::int64_t key = 0;  // key in the index; grows with arrival
    RecordId id;
    std::string space;     // namespace; empty: none
    std::string strategy;  // id, or empty
    std::string text;
    RecordMetadata metadata;
    WallTime created_at;
    WallTime updated_at;
    std::vector<std::string> sources;  // ids of the events it came from
    // What the statement is about, so that a later one can take its place ("user|live"); empty: a
    // statement that stands for itself. Only the built-in engine sets it.
    std::string subject;
    std::optional<WallTime> expires_at;
    int expiry_days = 0;  // what expires_at was last counted with
};

// A record that was changed or replaced after it was stored.
struct ChangedRecord {
    WallTime updated_at;
    std::int64_t key = 0;
    std::int64_t revision = 0;  // how often
};

struct RecordFilter {
    std::string key;
    Operator op = Operator::equals_to;
    std::optional<MetadataValue> value;
};

// namespace: exactly that one; namespacePath: it and what lies below.
struct SpaceSelection {
    std::string space;
    bool below = false;
};

struct RecordQuery {
    MemoryId memory;
    SpaceSelection spaces;
    std::string strategy;  // empty: any
    std::vector<RecordFilter> filters;
    PageRequest page;
    std::string text;      // retrieval only
    std::size_t topk = 0;  // retrieval only; 0: the default
    // Retrieval only: keys to choose from; nullptr: all.
    std::shared_ptr<const std::unordered_set<std::int64_t>> only = nullptr;
};

struct FoundRecord {
    Record record;
    double score = 0;
};

struct FailedJob {
    std::string id;
    std::string strategy;  // id; empty: all of the memory's
    Address address;
    EventId event;
    std::size_t messages = 0;
    std::string reason;
};

// True when the metadata satisfies every filter. An operator that does not fit a value's type does
// not match.
bool satisfies(const RecordMetadata& metadata, const std::vector<RecordFilter>& filters);
// With the record's times under AWS's names for them, x-amz-agentcore-memory-createdAt and
// -updatedAt.
bool satisfies(const Record& record, const std::vector<RecordFilter>& filters);
bool is_system_key(std::string_view key);
bool has_indexed_key(const Memory& memory, std::string_view key);

json::object metadata_to_json(const RecordMetadata& metadata);
RecordMetadata metadata_from_json(const json::object& object);

}  // namespace ac::memory
