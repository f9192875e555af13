#include "memory/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <unordered_map>

#include "memory/record_stream.h"
#include "memory/store.h"

namespace ac::memory {

namespace {

using storage::Transaction;

struct Stored {
    std::int64_t memory = 0;
    std::vector<Record> records;
    std::vector<std::int64_t> removed;
    std::vector<BatchOutcome> outcomes;
};

// What became of a batch, for the next call with its token: [request id, record id, refusal].
std::string answer_text(const std::vector<BatchOutcome>& outcomes) {
    json::array out;
    for (const auto& outcome : outcomes) {
        json::array item{outcome.request_id, outcome.id.text()};
        if (outcome.error) item.emplace_back(outcome.error->message);
        out.emplace_back(std::move(item));
    }
    return json::serialize(out);
}

std::vector<BatchOutcome> outcomes_of(const std::string& text) {
    std::vector<BatchOutcome> out;
    const auto parsed = json::parse(text);
    for (const auto& item : parsed.as_array()) {
        BatchOutcome one{.request_id = json::value_to<std::string>(item.at(0)),
                         .id = RecordId(json::value_to<std::string>(item.at(1)))};
        if (item.as_array().size() > 2)
            one.error = Error{.code = ErrorCode::not_found,
                              .message = json::value_to<std::string>(item.at(2))};
        out.push_back(std::move(one));
    }
    return out;
}

std::string spaces_text(const RecordQuery& query) {
    return fmt::format("{} {} {}", query.spaces.below ? "path" : "exact", query.spaces.space,
                       query.strategy);
}

void apply(const RecordExpiry& expiry, Record& record, WallTime now) {
    if (expiry.days) record.expiry_days = *expiry.days;
    if (expiry.is_removed) record.expiry_days = 0;
    record.expires_at.reset();
    if (record.expiry_days > 0) record.expires_at = now + std::chrono::days(record.expiry_days);
}

// "You can only specify filter keys that are declared as indexed keys" (API reference).
Result<> check_filters(const Memory& memory, const std::vector<RecordFilter>& filters) {
    for (const auto& filter : filters) {
        if (is_system_key(filter.key) || has_indexed_key(memory, filter.key)) continue;
        return fail(ErrorCode::invalid_argument,
                    "metadataFilters: " + filter.key + " is no indexed key of the memory");
    }
    return {};
}

// A record belongs to a strategy of its memory, or to none.
std::optional<Error> refusal_of(const Memory& memory, const std::string& strategy) {
    if (strategy.empty() || strategy == kNoStrategy) return std::nullopt;
    if (std::ranges::find(memory.strategies, strategy, &Strategy::id) != memory.strategies.end())
        return std::nullopt;
    return Error{.code = ErrorCode::not_found, .message = "Memory strategy not found: " + strategy};
}

bool is_there(const Record& record, WallTime now) {
    return !record.expires_at || *record.expires_at > now;
}

void apply(const RecordChange& change, Record& record, WallTime now) {
    if (change.text) record.text = *change.text;
    if (change.space) record.space = *change.space;
    if (change.strategy) record.strategy = *change.strategy == kNoStrategy ? "" : *change.strategy;
    if (change.metadata) record.metadata = *change.metadata;
    // The engine must not take what a caller wrote for its own statement.
    if (change.text) record.subject.clear();
    record.created_at = change.time;
    record.updated_at = now;
}

}  // namespace

RecordId make_record_id(Random& random) {
    return RecordId("mem-" + random_uuid(random));
}

Task<std::vector<BatchOutcome>> Records::create(Scope scope, MemoryId memory,
                                                std::vector<NewRecord> wanted, RecordExpiry expiry,
                                                Idempotency once) {
    const auto now = context_.now();
    std::vector<Record> records;
    for (const auto& item : wanted)
        records.push_back({.key = context_.arrivals.next(now),
                           .id = make_record_id(context_.random),
                           .space = item.space,
                           .strategy = item.strategy == kNoStrategy ? "" : item.strategy,
                           .text = item.text,
                           .metadata = item.metadata,
                           .created_at = item.time,
                           .updated_at = now});
    for (auto& record : records) apply(expiry, record, now);
    const auto oldest = now - context_.limits.token_memory;
    auto work = [scope, memory, wanted = std::move(wanted), records = std::move(records),
                 once = std::move(once), numbers = make_numbers(context_), now,
                 oldest](Transaction& tx) -> Result<Stored> {
        AC_TRY(const auto found, store::get_memory(tx, scope, memory));
        AC_TRY(const auto known,
               store::find_answer(tx, scope, "BatchCreateMemoryRecords", once, oldest));
        if (known) return Stored{.outcomes = outcomes_of(*known)};
        Stored out{.memory = found.number};
        for (std::size_t i = 0; i < records.size(); ++i) {
            if (auto refused = refusal_of(found, records[i].strategy)) {
                out.outcomes.push_back(
                    {.request_id = wanted[i].request_id, .id = records[i].id, .error = *refused});
                continue;
            }
            AC_CHECK(store::insert_record(tx, found.number, records[i]));
            AC_CHECK(announce(tx, found, RecordEvent::created, records[i], numbers, now));
            out.outcomes.push_back({.request_id = wanted[i].request_id, .id = records[i].id});
            out.records.push_back(records[i]);
        }
        AC_CHECK(store::keep_answer(tx, scope, "BatchCreateMemoryRecords", once,
                                    answer_text(out.outcomes), now));
        return out;
    };
    AC_CO_TRY(auto stored, co_await context_.database.write(std::move(work)));
    AC_CO_CHECK(co_await index_.put_all(stored.memory, std::move(stored.records)));
    co_return std::move(stored.outcomes);
}

Task<std::vector<BatchOutcome>> Records::update(Scope scope, MemoryId memory,
                                                std::vector<RecordChange> changes,
                                                RecordExpiry expiry) {
    const auto now = context_.now();
    auto work = [scope, memory, changes = std::move(changes), expiry,
                 numbers = make_numbers(context_), now](Transaction& tx) -> Result<Stored> {
        AC_TRY(const auto found, store::get_memory(tx, scope, memory));
        Stored out{.memory = found.number};
        for (const auto& change : changes) {
            AC_TRY(auto record, store::find_record(tx, found.number, change.id));
            BatchOutcome outcome{.id = change.id};
            outcome.error = refusal_of(found, change.strategy.value_or(std::string()));
            if (outcome.error) {
                out.outcomes.push_back(std::move(outcome));
                continue;
            }
            if (record && is_there(*record, now)) {
                apply(change, *record, now);
                apply(expiry, *record, now);
                AC_CHECK(store::update_record(tx, found.number, *record));
                AC_CHECK(announce(tx, found, RecordEvent::updated, *record, numbers, now));
                out.records.push_back(*std::move(record));
            } else {
                outcome.error = Error{.code = ErrorCode::not_found,
                                      .message = "Memory record not found: " + change.id.text()};
            }
            out.outcomes.push_back(std::move(outcome));
        }
        return out;
    };
    AC_CO_TRY(auto stored, co_await context_.database.write(std::move(work)));
    AC_CO_CHECK(co_await index_.put_all(stored.memory, std::move(stored.records)));
    co_return std::move(stored.outcomes);
}

Task<std::vector<BatchOutcome>> Records::remove(Scope scope, MemoryId memory,
                                                std::vector<RecordId> ids) {
    auto work = [scope, memory, ids = std::move(ids), numbers = make_numbers(context_),
                 now = context_.now()](Transaction& tx) -> Result<Stored> {
        AC_TRY(const auto found, store::get_memory(tx, scope, memory));
        Stored out{.memory = found.number};
        for (const auto& id : ids) {
            AC_TRY(const auto record, store::find_record(tx, found.number, id));
            BatchOutcome outcome{.id = id};
            if (record) {
                AC_CHECK(store::erase_record(tx, found.number, id));
                AC_CHECK(announce(tx, found, RecordEvent::removed, *record, numbers, now));
                out.removed.push_back(record->key);
            } else {
                outcome.error = Error{.code = ErrorCode::not_found,
                                      .message = "Memory record not found: " + id.text()};
            }
            out.outcomes.push_back(std::move(outcome));
        }
        return out;
    };
    AC_CO_TRY(auto stored, co_await context_.database.write(std::move(work)));
    for (const auto key : stored.removed) index_.remove(stored.memory, key);
    co_return std::move(stored.outcomes);
}

Task<Record> Records::get(Scope scope, MemoryId memory, RecordId id) {
    auto work = [scope, memory, id, now = context_.now()](Transaction& tx) -> Result<Record> {
        AC_TRY(const auto found, store::get_memory(tx, scope, memory));
        AC_TRY(auto record, store::find_record(tx, found.number, id));
        if (!record || !is_there(*record, now))
            return fail(ErrorCode::not_found, "Memory record not found: " + id.text());
        return *std::move(record);
    };
    co_return co_await context_.database.read(std::move(work));
}

Task<Page<Record>> Records::list(Scope scope, RecordQuery query) {
    const auto listing = "records " + query.memory.text() + " " + spaces_text(query);
    AC_CO_TRY(const auto after, cursor_of_token(listing, query.page.token));
    const auto count = static_cast<std::size_t>(
        query.page.items_max > 0 ? query.page.items_max : context_.limits.page_default);
    auto work = [scope, query, after, count,
                 now = context_.now()](Transaction& tx) -> Result<std::vector<Record>> {
        AC_TRY(const auto found, store::get_memory(tx, scope, query.memory));
        AC_CHECK(check_filters(found, query.filters));
        std::vector<Record> out;
        auto from = after;
        while (out.size() <= count) {
            const auto page = static_cast<int>(count) + 1;
            AC_TRY(auto records,
                   store::list_records(tx, found.number, query.spaces, query.strategy, from, page));
            const bool is_last = records.size() < static_cast<std::size_t>(page);
            if (!records.empty())
                from = {to_epoch_ms(records.back().created_at), records.back().key};
            for (auto& record : records)
                if (is_there(record, now) && satisfies(record, query.filters))
                    out.push_back(std::move(record));
            if (is_last) break;
        }
        return out;
    };
    AC_CO_TRY(auto records, co_await context_.database.read(std::move(work)));
    Page<Record> out{.items = std::move(records)};
    if (out.items.size() > count) {
        out.items.resize(count);
        const auto& last = out.items.back();
        out.next_token = cursor_token(listing, {to_epoch_ms(last.created_at), last.key});
    }
    co_return out;
}

// The index knows no times: filters on them choose keys from the database, and leave the query.
Task<> Records::select_by_time(std::int64_t memory, RecordQuery& query) {
    std::vector<RecordFilter> times;
    std::erase_if(query.filters, [&](const RecordFilter& filter) {
        if (!is_system_key(filter.key)) return false;
        times.push_back(filter);
        return true;
    });
    if (times.empty()) co_return Result<>{};
    auto keys = std::make_shared<std::unordered_set<std::int64_t>>();
    for (std::int64_t after = -1;;) {
        auto read = [memory, spaces = query.spaces, after,
                     page = context_.limits.times_page](Transaction& tx) {
            return store::scan_times(tx, memory, spaces, after, page);
        };
        AC_CO_TRY(const auto found, co_await context_.database.read(std::move(read)));
        if (found.empty()) break;
        after = found.back().key;
        for (const auto& [key, created, updated] : found) {
            const Record record{.created_at = created, .updated_at = updated};
            if (satisfies(record, times)) keys->insert(key);
        }
    }
    query.only = std::move(keys);
    co_return Result<>{};
}

Task<Page<FoundRecord>> Records::newest(Scope scope, RecordQuery query) {
    const auto wanted =
        query.page.items_max > 0 ? query.page.items_max : context_.limits.page_default;
    query.page = {.items_max = std::min(wanted, static_cast<int>(query.topk))};
    AC_CO_TRY(auto page, co_await list(std::move(scope), std::move(query)));
    Page<FoundRecord> out;
    for (auto& record : page.items) out.items.push_back({std::move(record), 0});
    co_return out;
}

Task<RecordIndex::Answer> Records::search(std::int64_t memory, RecordQuery query) {
    AC_CO_CHECK(co_await select_by_time(memory, query));
    co_return co_await index_.search(memory, std::move(query));
}

// A record is indexed right after it is durable.
Task<> Records::wait_for_index(std::int64_t memory, const std::vector<FoundRecord>& records) {
    constexpr Milliseconds kPause{2};
    constexpr int kPauses = 50;
    const auto is_indexed = [&](const FoundRecord& found) {
        return index_.contains(memory, found.record.key);
    };
    for (int i = 0; i < kPauses && index_.is_complete(memory); ++i) {
        if (std::ranges::all_of(records, is_indexed)) break;
        AC_CO_CHECK(co_await sleep_for(context_.timer, kPause));
    }
    co_return Result<>{};
}

Task<Page<FoundRecord>> Records::retrieve(Scope scope, RecordQuery query) {
    const auto listing = "retrieve " + query.memory.text() + " " + spaces_text(query) + query.text;
    std::size_t from = 0;
    if (!query.page.token.empty()) {
        AC_CO_TRY(const auto last, last_of_text_token(listing, query.page.token));
        std::from_chars(last.data(), last.data() + last.size(), from);
    }
    const auto count = static_cast<std::size_t>(
        query.page.items_max > 0 ? query.page.items_max : context_.limits.page_default);
    if (query.topk == 0) query.topk = context_.limits.topk_default;
    auto number_of = [scope, memory_id = query.memory,
                      filters = query.filters](Transaction& tx) -> Result<std::int64_t> {
        AC_TRY(const auto found, store::get_memory(tx, scope, memory_id));
        AC_CHECK(check_filters(found, filters));
        return found.number;
    };
    AC_CO_TRY(const auto number, co_await context_.database.read(std::move(number_of)));
    const Cut cut{from, count};
    AC_CO_TRY(auto found, co_await find_rows(number, query, cut));
    if (found.is_nothing && from == 0) {
        // A record that came meanwhile may be among the newest and match nevertheless.
        AC_CO_TRY(auto page, co_await newest(scope, query));
        AC_CO_CHECK(co_await wait_for_index(number, page.items));
        const auto is_seen = [&](const FoundRecord& one) { return found.saw(one.record.key); };
        if (std::ranges::all_of(page.items, is_seen)) co_return page;
        AC_CO_TRY(found, co_await find_rows(number, query, cut));
        if (found.is_nothing) co_return page;
    }
    Page<FoundRecord> out{.items = std::move(found.items)};
    if (found.is_cut) out.next_token = text_token(listing, std::to_string(from + count));
    co_return out;
}

// A record that another daemon deleted, or that goes while the index is asked, takes no place in
// the answer: the index forgets it and is asked again.
Task<Records::FoundRows> Records::find_rows(std::int64_t memory, const RecordQuery& query,
                                            Cut cut) {
    constexpr int kTries = 4;
    for (int i = 1;; ++i) {
        AC_CO_TRY(auto answer, co_await search(memory, query));
        auto& hits = answer.hits;
        FoundRows out{.items = {},
                      .is_nothing = hits.empty(),
                      .is_cut = hits.size() > cut.from + cut.count,
                      .saw = std::move(answer.saw)};
        hits.erase(hits.begin(),
                   hits.begin() + static_cast<std::ptrdiff_t>(std::min(cut.from, hits.size())));
        hits.resize(std::min(hits.size(), cut.count));
        std::vector<std::int64_t> keys;
        for (const auto& hit : hits) keys.push_back(hit.key);
        auto fetch = [memory, keys](Transaction& tx) {
            return store::records_by_key(tx, memory, keys);
        };
        AC_CO_TRY(auto records, co_await context_.database.read(std::move(fetch)));
        std::unordered_map<std::int64_t, Record*> by_key;
        for (auto& record : records) by_key[record.key] = &record;
        std::vector<std::int64_t> gone;
        const auto now = context_.now();
        for (const auto& hit : hits) {
            const auto found = by_key.find(hit.key);
            if (found == by_key.end())
                gone.push_back(hit.key);
            else if (is_there(*found->second, now))  // not expired
                out.items.push_back({std::move(*found->second), hit.score});
        }
        if (gone.empty() || i == kTries) co_return out;
        index_.forget_gone(memory, gone);
    }
}

}  // namespace ac::memory
