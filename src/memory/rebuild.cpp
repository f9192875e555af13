// Records made anew from the events that are still there.
#include <unordered_set>

#include "memory/memory_service.h"
#include "memory/record_stream.h"
#include "memory/store.h"

namespace ac::memory {

namespace {

using storage::Transaction;

constexpr int kSessionsPage = 100;
constexpr int kEventsPage = 200;

}  // namespace

Task<std::vector<EventId>> Events::extract_again(Scope scope, MemoryId memory) {
    auto find = [scope, memory](Transaction& tx) { return store::get_memory(tx, scope, memory); };
    AC_CO_TRY(const auto found, co_await context_.database.read(std::move(find)));
    std::vector<EventId> out;
    std::int64_t after_session = -1;
    for (;;) {
        auto list = [number = found.number, after_session](Transaction& tx) {
            return store::scan_sessions(tx, number, after_session, kSessionsPage);
        };
        AC_CO_TRY(const auto sessions, co_await context_.database.read(std::move(list)));
        if (sessions.empty()) break;
        after_session = sessions.back().number;
        for (const auto& session : sessions) {
            Cursor after{INT64_MIN, INT64_MIN};
            for (;;) {
                auto read = [number = found.number, session, after,
                             now = context_.now()](Transaction& tx) {
                    return store::scan_events(tx, number, session, after, now, kEventsPage);
                };
                AC_CO_TRY(auto events, co_await context_.database.read(std::move(read)));
                if (events.empty()) break;
                after = events.back().place;
                for (auto& event : events) {
                    event.job.id = random_uuid(context_.random);
                    event.job.arrival = context_.arrivals.next(context_.now());
                    out.push_back(event.job.event);
                }
                auto leave = [events = std::move(events)](Transaction& tx) -> Result<> {
                    for (const auto& event : events) AC_CHECK(store::insert_job(tx, event.job));
                    return {};
                };
                AC_CO_CHECK(co_await context_.database.write(std::move(leave)));
            }
        }
    }
    co_return out;
}

// Records that callers wrote stay, and those whose events are all gone: they cannot be made again.
// Jobs are left first: what is interrupted in between can be done again, and loses nothing.
Task<Rebuilt> MemoryService::rebuild(Scope scope, MemoryId id) {
    AC_CO_TRY(const auto memory, co_await memories_.get(scope, id));
    AC_CO_TRY(const auto events, co_await events_.extract_again(scope, id));
    std::unordered_set<std::string> there;
    for (const auto& event : events) there.insert(event.text());
    Rebuilt out{.events = events.size()};
    const auto last = context_.arrivals.next(context_.now());
    for (std::int64_t after = -1;;) {
        auto read = [number = memory.number, after,
                     page = context_.limits.index_page](Transaction& tx) {
            return store::scan_records(tx, number, std::nullopt, after, page);
        };
        AC_CO_TRY(auto records, co_await context_.database.read(std::move(read)));
        if (records.empty() || records.front().key > last) break;
        after = records.back().key;
        std::erase_if(records, [&](const Record& record) {
            if (record.key > last) return true;
            for (const auto& source : record.sources)
                if (there.contains(source)) return false;
            return true;
        });
        auto erase = [memory, records, numbers = make_numbers(context_),
                      now = context_.now()](Transaction& tx) -> Result<> {
            for (const auto& record : records) {
                AC_CHECK(store::erase_record(tx, memory.number, record.id));
                AC_CHECK(announce(tx, memory, RecordEvent::removed, record, numbers, now));
            }
            return {};
        };
        AC_CO_CHECK(co_await context_.database.write(std::move(erase)));
        for (const auto& record : records) index_.remove(memory.number, record.key);
        out.records += records.size();
    }
    worker_.wake();
    co_return out;
}

}  // namespace ac::memory
