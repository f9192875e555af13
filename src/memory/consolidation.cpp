#include "memory/consolidation.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdlib>

#include "memory/extraction.h"
#include "memory/namespace_rules.h"
#include "memory/record_stream.h"
#include "memory/records.h"
#include "memory/self_managed.h"

namespace ac::memory {

namespace {

using storage::Transaction;

constexpr int kEpisodesMax = 20;          // of an actor, looked at for a reflection
constexpr std::size_t kSourcesMax = 100;  // newest events kept with a record

// One strategy's work on one job.
struct Work {
    Transaction& tx;
    const Memory& memory;
    const Strategy& strategy;
    const store::Job& job;
    const std::string& space;
    const RecordNumbers& numbers;
    WallTime now;
    Consolidated& out;
};

Record make_record(const Work& work, const Statement& statement) {
    Record out{.key = work.numbers.key(),
               .id = work.numbers.id(),
               .space = work.space,
               .strategy = work.strategy.id,
               .text = statement.text,
               .created_at = work.job.event_time,
               .updated_at = work.now,
               .sources = {work.job.event.text()},
               .subject = statement.subject,
               .expiry_days = work.strategy.record_expiry_days};
    if (out.expiry_days > 0) out.expires_at = work.now + std::chrono::days(out.expiry_days);
    out.metadata = schema_metadata(work.strategy, work.job.metadata);
    return out;
}

Result<> announce(Work& work, RecordEvent event, const Record& record) {
    return memory::announce(work.tx, work.memory, event, record, work.numbers, work.now);
}

Result<> update(Work& work, Record record) {
    record.updated_at = work.now;
    add_source(record, work.job.event.text());
    merge_metadata(record.metadata, schema_metadata(work.strategy, work.job.metadata));
    AC_CHECK(store::update_record(work.tx, work.memory.number, record));
    AC_CHECK(announce(work, RecordEvent::updated, record));
    work.out.written.push_back(std::move(record));
    return {};
}

// ADD, NO-OP (another source for the same statement) or UPDATE (the newer statement replaces the
// older; one that arrives late is kept as replaced already).
Result<> merge(Work& work, const Statement& statement) {
    const auto number = work.memory.number;
    AC_TRY(auto known, store::find_by_subject(work.tx, number, work.space, work.strategy.id,
                                              statement.subject));
    if (known && (known->text == statement.text || statement.subject.starts_with("text:")))
        return update(work, *std::move(known));
    auto record = make_record(work, statement);
    AC_CHECK(store::insert_record(work.tx, number, record));
    if (known && known->created_at > record.created_at)
        return store::supersede_record(work.tx, number, record.id, known->id, work.now);
    if (known) {
        AC_CHECK(store::supersede_record(work.tx, number, known->id, record.id, work.now));
        AC_CHECK(announce(work, RecordEvent::removed, *known));
        work.out.removed.push_back(known->key);
    }
    AC_CHECK(announce(work, RecordEvent::created, record));
    work.out.written.push_back(std::move(record));
    return {};
}

// One record a session, rewritten as the session goes on.
Result<> rewrite(Work& work, const Statement& statement) {
    if (statement.text.empty()) return {};
    AC_TRY(auto known, store::find_by_subject(work.tx, work.memory.number, work.space,
                                              work.strategy.id, statement.subject));
    if (!known) {
        auto record = make_record(work, statement);
        AC_CHECK(store::insert_record(work.tx, work.memory.number, record));
        AC_CHECK(announce(work, RecordEvent::created, record));
        work.out.written.push_back(std::move(record));
        return {};
    }
    known->text = statement.text;
    known->created_at = std::max(known->created_at, work.job.event_time);
    return update(work, *std::move(known));
}

// One record for what the actor's newest episodes have in common, rewritten as they grow.
Result<> reflect(Work& work) {
    const auto& address = work.job.address;
    const auto space = expand_namespace(reflection_template(work.strategy),
                                        {.actor = address.actor.text(),
                                         .session = address.session.text(),
                                         .strategy = work.strategy.id,
                                         .custom = &work.job.namespace_variables});
    if (!space || space->empty()) return {};
    AC_TRY(const auto records,
           store::list_records(work.tx, work.memory.number, SpaceSelection{*space, true},
                               work.strategy.id, Cursor{}, kEpisodesMax));
    std::vector<std::string> episodes;
    for (const auto& record : records)
        if (record.subject.starts_with("episode:")) episodes.push_back(record.text);
    Work own{work.tx, work.memory,  work.strategy, work.job,
             *space,  work.numbers, work.now,      work.out};
    return rewrite(own, {reflection_of(episodes), std::string(kReflectionSubject)});
}

Result<> apply(Work& work, const std::vector<Message>& messages, const MemoryLimits& limits) {
    const auto when = work.job.event_time;
    const auto& session = work.job.address.session.text();
    switch (work.strategy.kind) {
        case StrategyKind::semantic:
            for (const auto& fact : facts_of(messages, when)) AC_CHECK(merge(work, fact));
            return {};
        case StrategyKind::user_preference:
            for (const auto& preference : preferences_of(messages, when))
                AC_CHECK(merge(work, preference));
            return {};
        case StrategyKind::summary: {
            AC_TRY(const auto all, session_messages(work.tx, work.memory.number, work.job,
                                                    limits.summary_messages_max, work.now));
            return rewrite(work, {summary_of(all), "summary:" + session});
        }
        case StrategyKind::episodic: {
            AC_TRY(const auto all, session_messages(work.tx, work.memory.number, work.job,
                                                    limits.summary_messages_max, work.now));
            AC_CHECK(rewrite(work, {episode_of(all), "episode:" + session}));
            return reflect(work);
        }
        case StrategyKind::self_managed:
            return {};
    }
    return {};
}

Result<> leave_job(Transaction& tx, const store::Job& job, const Strategy& strategy,
                   const RecordNumbers& numbers) {
    auto own = job;
    own.id = numbers.job_id();
    own.strategy = strategy.id;
    return store::insert_job(tx, own);
}

}  // namespace

void add_source(Record& record, const std::string& event) {
    if (std::ranges::find(record.sources, event) == record.sources.end())
        record.sources.push_back(event);
    if (record.sources.size() > kSourcesMax) record.sources.erase(record.sources.begin());
}

// In the types that the schema says.
RecordMetadata schema_metadata(const Strategy& strategy, const json::object& event_metadata) {
    RecordMetadata out;
    const auto* schema = strategy.schema.if_contains("metadataSchema");
    if (schema == nullptr || !schema->is_array()) return out;
    const auto values = metadata_from_json(event_metadata);
    for (const auto& entry : schema->get_array()) {
        const auto key = json::value_to<std::string>(entry.at("key"));
        const auto found = std::ranges::find(values, key, [](const auto& v) { return v.first; });
        const auto* text =
            found == values.end() ? nullptr : std::get_if<std::string>(&found->second);
        if (text == nullptr || text->empty()) continue;
        const auto* type = entry.as_object().if_contains("type");
        const auto kind =
            type == nullptr ? std::string("STRING") : json::value_to<std::string>(*type);
        if (kind == "NUMBER") {
            char* end = nullptr;
            const double number = std::strtod(text->c_str(), &end);
            if (*end == 0 && std::isfinite(number)) out.emplace_back(key, number);
        } else if (kind == "STRINGLIST") {
            out.emplace_back(key, std::vector<std::string>{*text});
        } else {
            out.emplace_back(key, *text);
        }
    }
    return out;
}

void merge_metadata(RecordMetadata& into, const RecordMetadata& from) {
    for (const auto& [key, value] : from) {
        std::erase_if(into, [&](const auto& own) { return own.first == key; });
        into.emplace_back(key, value);
    }
}

Result<std::vector<Message>> session_messages(Transaction& tx, std::int64_t memory,
                                              const store::Job& job, std::size_t messages_max,
                                              WallTime now) {
    AC_TRY(const auto session,
           store::find_session(tx, memory, job.address.actor, job.address.session));
    std::vector<Message> out;
    if (session) {
        const store::EventListing newest{
            .session = session->number, .items_max = static_cast<int>(messages_max), .now = now};
        AC_TRY(const auto events, store::list_events(tx, job.address, newest));
        for (auto event = events.rbegin(); event != events.rend(); ++event)
            std::ranges::move(messages_of(event->event.payload), std::back_inserter(out));
    }
    if (out.empty()) out = messages_of(job.payload);  // ingested, without an event
    if (out.size() > messages_max)
        out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(messages_max));
    return out;
}

RecordNumbers make_numbers(Context& context) {
    return {.id = [&context] { return make_record_id(context.random); },
            .key = [&context] { return context.arrivals.next(context.now()); },
            .job_id = [&context] { return random_uuid(context.random); }};
}

Result<Consolidated> consolidate(Transaction& tx, const store::Job& job,
                                 const RecordNumbers& numbers, const EngineChoice& engines,
                                 const MemoryLimits& limits, WallTime now) {
    Consolidated out{.memory = job.memory};
    AC_TRY(const bool is_open, store::erase_job(tx, job.id));
    if (!is_open) return out;
    AC_TRY(const auto memory, store::find_memory_by_number(tx, job.memory));
    if (memory && memory->status == MemoryStatus::active) {
        const auto messages = messages_of(job.payload);
        for (const auto& strategy : memory->strategies) {
            if (!job.strategy.empty() && job.strategy != strategy.id) continue;
            if (strategy.kind == StrategyKind::self_managed) {
                AC_TRY(const bool fired, collect(tx, *memory, strategy, job, numbers, now));
                out.left_jobs = out.left_jobs || fired;
                continue;
            }
            if (engines.wants_model(strategy)) {
                AC_CHECK(leave_job(tx, job, strategy, numbers));
                out.left_jobs = true;
                continue;
            }
            const auto space = expand_namespace(strategy.namespace_template,
                                                {.actor = job.address.actor.text(),
                                                 .session = job.address.session.text(),
                                                 .strategy = strategy.id,
                                                 .custom = &job.namespace_variables});
            if (!space) continue;  // a variable that this event does not give: no record for it
            Work work{tx, *memory, strategy, job, *space, numbers, now, out};
            AC_CHECK(apply(work, messages, limits));
        }
    }
    return out;
}

}  // namespace ac::memory
