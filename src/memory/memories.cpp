#include "memory/memories.h"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>
#include <cstring>
#include <set>

#include "memory/namespace_rules.h"
#include "memory/record_stream.h"
#include "memory/store.h"

namespace ac::memory {

namespace {

constexpr std::size_t kIdTailLength = 10;

std::unexpected<Error> invalid(std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
}

Result<> check_strategies(const std::vector<Strategy>& strategies, const MemoryLimits& limits) {
    if (strategies.size() > limits.strategies_max)
        return fail(ErrorCode::quota_exceeded,
                    fmt::format("A memory has at most {} strategies", limits.strategies_max));
    std::set<std::string> names;
    for (const auto& strategy : strategies)
        if (!names.insert(strategy.name).second)
            return invalid("Strategy name is used twice: " + strategy.name);
    return {};
}

// selfManagedConfiguration is changed member by member, everything else as a whole.
void change_member(json::object& configuration, std::string_view key, const json::value& value) {
    auto* known = configuration.if_contains(key);
    if (key != "selfManagedConfiguration" || known == nullptr) {
        configuration[key] = value;
        return;
    }
    auto& own = known->as_object();
    for (const auto& [name, member] : value.as_object()) {
        if (name != "invocationConfiguration" || !own.contains(name))
            own[name] = member;
        else
            for (const auto& [inner, given] : member.as_object())
                own[name].as_object()[inner] = given;
    }
}

Result<> change_strategy(Memory& memory, const StrategyChange& change, WallTime now) {
    for (auto& strategy : memory.strategies) {
        if (strategy.id != change.id) continue;
        if (change.description) strategy.description = *change.description;
        if (change.namespace_template) strategy.namespace_template = *change.namespace_template;
        if (change.configuration) {
            for (const auto& [key, value] : *change.configuration)
                change_member(strategy.configuration, key, value);
        }
        if (change.schema) strategy.schema = *change.schema;
        if (change.record_expiry_days) strategy.record_expiry_days = *change.record_expiry_days;
        strategy.updated_at = now;
        return {};
    }
    return fail(ErrorCode::not_found, "Memory strategy not found: " + change.id);
}

// Indexed keys are only ever added.
Result<> add_indexed_keys(Memory& memory, const json::array& added, const MemoryLimits& limits) {
    if (added.empty()) return {};
    auto& keys = memory.details["indexedKeys"];
    if (!keys.is_array()) keys = json::array();
    for (const auto& key : added) {
        for (const auto& known : keys.as_array())
            if (known.at("key") == key.at("key") && known.at("type") != key.at("type"))
                return invalid("An indexed key cannot change its type");
        bool is_known = false;
        for (const auto& known : keys.as_array()) is_known = is_known || known == key;
        if (!is_known) keys.as_array().push_back(key);
    }
    if (keys.as_array().size() > limits.indexed_keys_max)
        return fail(ErrorCode::quota_exceeded,
                    fmt::format("A memory has at most {} indexed keys", limits.indexed_keys_max));
    return {};
}

Result<> check_keys_are_distinct(const Memory& memory) {
    const auto* keys = memory.details.if_contains("indexedKeys");
    std::set<std::string> names;
    if (keys == nullptr) return {};
    for (const auto& key : keys->as_array())
        if (!names.insert(json::value_to<std::string>(key.at("key"))).second)
            return invalid("An indexed key is there twice");
    return {};
}

Result<> apply(Memory& memory, MemoryChange change, const MemoryLimits& limits, WallTime now) {
    for (const auto& id : change.removed) {
        const auto gone =
            std::erase_if(memory.strategies, [&](const Strategy& s) { return s.id == id; });
        if (gone == 0) return fail(ErrorCode::not_found, "Memory strategy not found: " + id);
    }
    for (const auto& strategy : change.changed) AC_CHECK(change_strategy(memory, strategy, now));
    for (auto& strategy : change.added) memory.strategies.push_back(std::move(strategy));
    AC_CHECK(check_strategies(memory.strategies, limits));
    AC_CHECK(add_indexed_keys(memory, change.indexed_keys, limits));
    for (const auto& [key, value] : change.details) memory.details[key] = value;
    if (change.expiry_days) memory.expiry_days = *change.expiry_days;
    memory.updated_at = now;
    return check_namespaces(memory);
}

}  // namespace

std::int64_t random_number(Random& random) {
    std::array<std::byte, 8> bytes{};
    random.fill(bytes);
    std::int64_t out = 0;
    std::memcpy(&out, bytes.data(), bytes.size());
    return out & INT64_MAX;
}

Strategy Memories::make_strategy(Strategy wanted, WallTime now) {
    wanted.id = wanted.name + "-" + random_alphanumeric(context_.random, kIdTailLength);
    wanted.created_at = wanted.updated_at = now;
    return wanted;
}

Result<> Memories::check_stream(const Memory& memory) const {
    const auto stream = stream_of(memory);
    if (!stream || (target_ != nullptr && target_->has_stream(stream->arn))) return {};
    return invalid("streamDeliveryResources: nothing is configured that stands for " + stream->arn +
                   " (memory.streams)");
}

Task<Memory> Memories::create(Scope scope, NewMemory wanted) {
    AC_CO_CHECK(check_strategies(wanted.strategies, context_.limits));
    const auto now = context_.now();
    Memory memory{
        .number = random_number(context_.random),
        .scope = scope,
        .id = MemoryId(wanted.name + "-" + random_alphanumeric(context_.random, kIdTailLength)),
        .name = wanted.name,
        .expiry_days = wanted.expiry_days,
        .details = std::move(wanted.details),
        .tags = std::move(wanted.tags),
        .created_at = now,
        .updated_at = now};
    for (auto& strategy : wanted.strategies)
        memory.strategies.push_back(make_strategy(std::move(strategy), now));
    AC_CO_CHECK(check_namespaces(memory));
    AC_CO_CHECK(check_keys_are_distinct(memory));
    AC_CO_CHECK(check_stream(memory));
    const auto limits = context_.limits;
    auto work = [memory, now, limits, numbers = make_numbers(context_),
                 once = wanted.once](storage::Transaction& tx) -> Result<Memory> {
        const auto& scope = memory.scope;
        AC_TRY(const auto known,
               store::find_answer(tx, scope, "CreateMemory", once, now - limits.token_memory));
        if (known) return store::get_memory(tx, scope, MemoryId(*known));
        AC_TRY(const bool taken, store::memory_name_taken(tx, scope, memory.name));
        if (taken) return invalid(fmt::format("Memory with name {} already exists", memory.name));
        AC_TRY(const auto count, store::count_memories(tx, scope));
        if (count >= limits.memories_max)
            return fail(ErrorCode::quota_exceeded,
                        fmt::format("An account has at most {} memories", limits.memories_max));
        AC_CHECK(store::save_memory(tx, memory));
        AC_CHECK(announce_streaming(tx, memory, numbers, now));
        AC_CHECK(store::keep_answer(tx, scope, "CreateMemory", once, memory.id.text(), now));
        return memory;
    };
    AC_CO_TRY(auto created, co_await context_.database.write(std::move(work)));
    if (created.number == memory.number) listener_.on_created(memory.number);
    if (stream_of(created)) listener_.on_stream();
    co_return created;
}

Task<Memory> Memories::get(Scope scope, MemoryId id) {
    auto work = [scope, id](storage::Transaction& tx) { return store::get_memory(tx, scope, id); };
    co_return co_await context_.database.read(std::move(work));
}

Task<Page<Memory>> Memories::list(Scope scope, PageRequest page) {
    const std::string listing = "memories " + scope.account + " " + scope.region;
    std::string after;
    if (!page.token.empty()) {
        AC_CO_TRY(after, last_of_text_token(listing, page.token));
    }
    const int count = page.items_max > 0 ? page.items_max : context_.limits.memories_page_default;
    auto work = [scope, after, count](storage::Transaction& tx) {
        return store::list_memories(tx, scope, after, count + 1);
    };
    AC_CO_TRY(auto memories, co_await context_.database.read(std::move(work)));
    Page<Memory> out{.items = std::move(memories)};
    if (out.items.size() > static_cast<std::size_t>(count)) {
        out.items.resize(static_cast<std::size_t>(count));
        out.next_token = text_token(listing, out.items.back().id.text());
    }
    co_return out;
}

Task<Memory> Memories::update(Scope scope, MemoryChange change) {
    const auto now = context_.now();
    const auto limits = context_.limits;
    for (auto& strategy : change.added) strategy = make_strategy(std::move(strategy), now);
    auto work = [this, scope, change, now, limits,
                 numbers = make_numbers(context_)](storage::Transaction& tx) -> Result<Memory> {
        AC_TRY(auto memory, store::get_memory(tx, scope, change.id));
        AC_TRY(const auto known, store::find_answer(tx, scope, "UpdateMemory", change.once,
                                                    now - limits.token_memory));
        if (known) return memory;
        AC_CHECK(apply(memory, change, limits, now));
        AC_CHECK(store::save_memory(tx, memory));
        if (change.details.contains("streamDeliveryResources")) {
            AC_CHECK(check_stream(memory));
            AC_CHECK(announce_streaming(tx, memory, numbers, now));
        }
        AC_CHECK(store::keep_answer(tx, scope, "UpdateMemory", change.once, memory.id.text(), now));
        return memory;
    };
    AC_CO_TRY(auto updated, co_await context_.database.write(std::move(work)));
    if (stream_of(updated)) listener_.on_stream();
    co_return updated;
}

Task<> Memories::remove(Scope scope, MemoryId id, Idempotency once) {
    const auto now = context_.now();
    const auto oldest = now - context_.limits.token_memory;
    auto work = [scope, id, once, now, oldest](storage::Transaction& tx) -> Result<std::int64_t> {
        AC_TRY(const auto known, store::find_answer(tx, scope, "DeleteMemory", once, oldest));
        if (known) return 0;
        AC_TRY(auto memory, store::get_memory(tx, scope, id));
        memory.status = MemoryStatus::deleting;
        memory.updated_at = now;
        AC_CHECK(store::save_memory(tx, memory));
        AC_CHECK(store::keep_answer(tx, scope, "DeleteMemory", once, id.text(), now));
        return memory.number;
    };
    AC_CO_TRY(const auto number, co_await context_.database.write(std::move(work)));
    if (number != 0) listener_.on_removed(number);
    co_return Result<>{};
}

Task<Tags> Memories::tags(Scope scope, MemoryId id) {
    AC_CO_TRY(auto memory, co_await get(std::move(scope), std::move(id)));
    co_return std::move(memory.tags);
}

Task<> Memories::add_tags(Scope scope, MemoryId id, Tags tags) {
    auto work = [scope, id, tags,
                 most = context_.limits.tags_max](storage::Transaction& tx) -> Result<> {
        AC_TRY(auto memory, store::get_memory(tx, scope, id));
        for (const auto& [key, value] : tags) memory.tags[key] = value;
        if (memory.tags.size() > most)
            return fail(ErrorCode::quota_exceeded,
                        fmt::format("A memory has at most {} tags", most));
        return store::save_memory(tx, memory);
    };
    co_return co_await context_.database.write(std::move(work));
}

Task<> Memories::remove_tags(Scope scope, MemoryId id, std::vector<std::string> keys) {
    auto work = [scope, id, keys](storage::Transaction& tx) -> Result<> {
        AC_TRY(auto memory, store::get_memory(tx, scope, id));
        for (const auto& key : keys) memory.tags.erase(key);
        return store::save_memory(tx, memory);
    };
    co_return co_await context_.database.write(std::move(work));
}

}  // namespace ac::memory
