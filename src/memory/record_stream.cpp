#include "memory/record_stream.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/log.h"
#include "base/time_text.h"

namespace ac::memory {

namespace {

using storage::Transaction;

constexpr int kBatch = 100;  // changes told at once; Lambda's default for a Kinesis stream
constexpr Milliseconds kPauseAfterFailure{1000};
constexpr Milliseconds kRetryDelay{1000};  // doubled with each failure, up to 64 times
constexpr int kDoublings = 6;
constexpr Milliseconds kLookAgain{250};  // while a memory waits for its next try

const json::value* first_of(const json::value* value, std::string_view name) {
    if (value == nullptr || !value->is_object()) return nullptr;
    const auto* list = value->get_object().if_contains(name);
    if (list == nullptr || !list->is_array() || list->get_array().empty()) return nullptr;
    return &list->get_array().front();
}

std::string_view name_of(RecordEvent event) {
    switch (event) {
        case RecordEvent::created:
            return "MemoryRecordCreated";
        case RecordEvent::updated:
            return "MemoryRecordUpdated";
        case RecordEvent::removed:
            return "MemoryRecordDeleted";
    }
    return "";
}

json::object head_of(const Memory& memory, std::string_view event, WallTime now) {
    json::object out;
    out["eventType"] = event;
    out["eventTime"] = to_rfc3339(now);
    out["memoryId"] = memory.id.text();
    return out;
}

void describe(json::object& out, const Memory& memory, const Record& record, bool with_text) {
    json::array spaces;
    if (!record.space.empty()) spaces.emplace_back(record.space);
    out["namespaces"] = std::move(spaces);
    out["createdAt"] = to_epoch_ms(record.created_at);
    if (!record.strategy.empty()) out["memoryStrategyId"] = record.strategy;
    const auto strategy = std::ranges::find(memory.strategies, record.strategy, &Strategy::id);
    if (strategy != memory.strategies.end()) out["memoryStrategyType"] = strategy->type;
    out["metadata"] = metadata_to_json(record.metadata);
    if (with_text) out["memoryRecordText"] = record.text;
}

Result<> leave(Transaction& tx, const Memory& memory, const StreamSettings& settings,
               json::object event, const std::string& key, const RecordNumbers& numbers,
               WallTime now) {
    json::object document;
    document["memoryStreamEvent"] = std::move(event);
    return store::insert_change(tx, memory.number,
                                {.stream = settings.arn,
                                 .sequence = numbers.key(),
                                 .key = key,
                                 .document = json::serialize(document),
                                 .time = now});
}

}  // namespace

std::optional<StreamSettings> stream_of(const Memory& memory) {
    const auto* resource =
        first_of(memory.details.if_contains("streamDeliveryResources"), "resources");
    if (resource == nullptr || !resource->is_object()) return std::nullopt;
    const auto* kinesis = resource->get_object().if_contains("kinesis");
    if (kinesis == nullptr || !kinesis->is_object()) return std::nullopt;
    const auto* content = first_of(kinesis, "contentConfigurations");
    const auto* level = content == nullptr ? nullptr : content->as_object().if_contains("level");
    return StreamSettings{
        .arn = json::value_to<std::string>(kinesis->get_object().at("dataStreamArn")),
        .with_text = level != nullptr && *level == "FULL_CONTENT"};
}

Result<> announce(Transaction& tx, const Memory& memory, RecordEvent event, const Record& record,
                  const RecordNumbers& numbers, WallTime now) {
    const auto settings = stream_of(memory);
    if (!settings) return {};
    auto told = head_of(memory, name_of(event), now);
    told["memoryRecordId"] = record.id.text();
    if (event != RecordEvent::removed) describe(told, memory, record, settings->with_text);
    return leave(tx, memory, *settings, std::move(told), record.id.text(), numbers, now);
}

Result<> announce_streaming(Transaction& tx, const Memory& memory, const RecordNumbers& numbers,
                            WallTime now) {
    const auto settings = stream_of(memory);
    if (!settings) return {};
    auto told = head_of(memory, "StreamingEnabled", now);
    told["message"] = "Streaming enabled for memory resource: " + memory.id.text();
    return leave(tx, memory, *settings, std::move(told), memory.id.text(), numbers, now);
}

void RecordStream::enable() {
    is_enabled_ = true;
    wake();
}

void RecordStream::wake() {
    if (!is_enabled_) return;
    const std::lock_guard lock(mutex_);
    for (auto& wake : wakes_) wake.complete({});
}

void RecordStream::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (auto& wake : wakes_) wake.complete({});
}

bool RecordStream::is_stopping() {
    const std::lock_guard lock(mutex_);
    return stopping_;
}

Completion<void> RecordStream::next_wake(std::size_t lane) {
    const std::lock_guard lock(mutex_);
    if (!stopping_) wakes_[lane] = Completion<void>();
    return wakes_[lane];
}

Task<> RecordStream::look_for_streams() {
    auto look = [](Transaction& tx) { return store::has_streams(tx); };
    AC_CO_TRY(const bool has_streams, co_await context_.database.read(std::move(look)));
    if (has_streams) enable();
    co_return Result<>{};
}

Detached RecordStream::run(std::size_t lane) {
    if (target_ == nullptr) co_return;
    if (lane == 0) {
        const auto looked = co_await look_for_streams();
        if (!looked) AC_LOG(warn, "record streams wait", {"reason", looked.error().message});
    }
    while (!is_stopping()) {
        const auto woken = next_wake(lane);
        const auto done = co_await run_lane(lane);
        if (!done) {
            if (done.error().code == ErrorCode::cancelled) co_return;
            AC_LOG(warn, "record streams wait", {"reason", done.error().message});
            const auto slept = co_await sleep_for(context_.timer, kPauseAfterFailure);
            if (!slept) co_return;
            continue;
        }
        if (*done > 0) continue;
        bool has_delays = false;
        {
            const std::lock_guard lock(mutex_);
            has_delays = !delays_.empty();
        }
        if (has_delays) {
            const auto slept = co_await sleep_for(context_.timer, kLookAgain);
            if (!slept) co_return;
        } else {
            const auto waited = co_await woken.cancellable_result();
            if (!waited) co_return;
        }
    }
}

Task<std::size_t> RecordStream::run_once() {
    std::size_t done = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        AC_CO_TRY(const auto some, co_await run_lane(lane));
        done += some;
    }
    co_return done;
}

Task<std::size_t> RecordStream::run_lane(std::size_t lane) {
    std::size_t done = 0;
    for (std::int64_t after = -1;;) {
        auto next = [after](Transaction& tx) { return store::next_changed_memory(tx, after); };
        AC_CO_TRY(const auto memory, co_await context_.database.read(std::move(next)));
        if (!memory) break;
        after = *memory;
        if (static_cast<std::size_t>(*memory) % kLanes != lane || is_delayed(*memory)) continue;
        AC_CO_TRY(const auto some, co_await deliver(*memory));
        done += some;
    }
    co_return done;
}

Task<std::size_t> RecordStream::deliver(std::int64_t number) {
    struct Waiting {
        std::optional<Memory> memory;
        std::vector<StreamedChange> changes;
    };
    auto read = [number](Transaction& tx) -> Result<Waiting> {
        Waiting out;
        AC_TRY(out.memory, store::find_memory_by_number(tx, number));
        AC_TRY(out.changes, store::list_changes(tx, number, kBatch));
        return out;
    };
    AC_CO_TRY(auto waiting, co_await context_.database.read(std::move(read)));
    auto& changes = waiting.changes;
    if (changes.empty()) co_return std::size_t{0};
    // The owner may have named another stream meanwhile: one batch goes to one stream.
    const auto stream = changes.front().stream;
    const auto other =
        std::ranges::find_if(changes, [&](const auto& c) { return c.stream != stream; });
    changes.erase(other, changes.end());
    std::vector<std::int64_t> sequences;
    for (const auto& change : changes) sequences.push_back(change.sequence);
    const bool is_old = changes.back().time < context_.now() - context_.limits.stream_retention;
    if (waiting.memory && !is_old) {
        auto told = co_await target_->tell(waiting.memory->scope, stream, std::move(changes));
        if (!told) {
            if (told.error().code == ErrorCode::cancelled)
                co_return std::unexpected(std::move(told).error());
            AC_LOG(warn, "record stream is not delivered", {"stream", stream},
                   {"reason", told.error().message});
            delay(number);
            co_return std::size_t{0};
        }
    } else if (is_old) {
        AC_LOG(error, "record stream's receiver was away too long: changes are dropped",
               {"stream", stream}, {"changes", std::to_string(sequences.size())});
    }
    auto erase = [number, sequences](Transaction& tx) {
        return store::erase_changes(tx, number, sequences);
    };
    AC_CO_CHECK(co_await context_.database.write(std::move(erase)));
    const std::lock_guard lock(mutex_);
    delays_.erase(number);
    co_return sequences.size();
}

void RecordStream::delay(std::int64_t memory) {
    const std::lock_guard lock(mutex_);
    auto& own = delays_[memory];
    own.until =
        context_.timer.clock().steady() + kRetryDelay * (1 << std::min(own.failures, kDoublings));
    ++own.failures;
}

bool RecordStream::is_delayed(std::int64_t memory) {
    const std::lock_guard lock(mutex_);
    const auto found = delays_.find(memory);
    return found != delays_.end() && found->second.until > context_.timer.clock().steady();
}

}  // namespace ac::memory
