#pragma once
// The memories themselves and their strategies.

#include <functional>

#include "memory/context.h"
#include "memory/delivery_target.h"

namespace ac::memory {

struct NewMemory {
    std::string name;
    int expiry_days = 0;
    std::vector<Strategy> strategies;  // without ids and times
    json::object details;
    Tags tags;
    Idempotency once;
};

struct StrategyChange {
    std::string id;
    std::optional<std::string> description;
    std::optional<std::string> namespace_template;
    std::optional<json::object> configuration;
    std::optional<json::object> schema;
    std::optional<int> record_expiry_days;  // 0: records to come stay
};

struct MemoryChange {
    MemoryId id;
    std::optional<int> expiry_days;  // of events to come
    std::vector<Strategy> added;
    std::vector<StrategyChange> changed;
    std::vector<std::string> removed;
    json::object details;  // members that replace the memory's
    json::array indexed_keys;
    Idempotency once;
};

class Memories final {
  public:
    // `on_created` is told of a memory that is new and empty, `on_removed` of one that is gone for
    // callers; both by number.
    struct Listener {
        std::function<void(std::int64_t)> on_created;
        std::function<void(std::int64_t)> on_removed;
        std::function<void()> on_stream;  // a memory has a data stream
    };
    // `target` says which data streams there are; nullptr: none. It outlives this.
    Memories(Context& context, const DeliveryTarget* target, Listener listener)
        : context_(context), target_(target), listener_(std::move(listener)) {}

    // invalid_argument: the name is taken ("... already exists", which clients look for), too many
    // strategies, two of one name, a data stream that nothing stands for. quota_exceeded.
    Task<Memory> create(Scope scope, NewMemory wanted);
    Task<Memory> get(Scope scope, MemoryId id);
    Task<Page<Memory>> list(Scope scope, PageRequest page);
    Task<Memory> update(Scope scope, MemoryChange change);
    // Answered once nothing can be read any more; the rows go in the background.
    Task<> remove(Scope scope, MemoryId id, Idempotency once);

    Task<Tags> tags(Scope scope, MemoryId id);
    // quota_exceeded over limits.tags_max.
    Task<> add_tags(Scope scope, MemoryId id, Tags tags);
    Task<> remove_tags(Scope scope, MemoryId id, std::vector<std::string> keys);

  private:
    Result<> check_stream(const Memory& memory) const;
    Strategy make_strategy(Strategy wanted, WallTime now);

    Context& context_;
    const DeliveryTarget* target_;
    Listener listener_;
};

}  // namespace ac::memory
