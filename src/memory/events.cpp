#include "memory/events.h"

#include <fmt/format.h>

#include <array>
#include <boost/json.hpp>

#include "base/encoding.h"
#include "memory/namespace_rules.h"
#include "memory/store.h"

namespace ac::memory {

namespace {

using storage::Transaction;

// Everything about an event that is decided before its transaction, which may run twice.
struct Draft {
    Scope scope;
    NewEvent wanted;
    std::string suffix;
    std::int64_t arrival = 0;
    std::int64_t session_number = 0;
    std::string job_id;
    WallTime now;
    std::string payload;  // its text

    std::int64_t bytes() const { return static_cast<std::int64_t>(payload.size()); }
};

std::unexpected<Error> invalid(std::string message, std::string reason = {}) {
    return fail(Error{.code = ErrorCode::invalid_argument,
                      .message = std::move(message),
                      .reason = std::move(reason)});
}

bool has_messages(const json::array& payload) {
    for (const auto& item : payload)
        if (item.is_object() && !item.get_object().contains("blob")) return true;
    return false;
}

Result<store::SessionRow> open_session(Transaction& tx, const Draft& draft, std::int64_t memory,
                                       const MemoryLimits& limits) {
    const auto& address = draft.wanted.address;
    AC_TRY(auto session, store::find_session(tx, memory, address.actor, address.session));
    if (!session) {
        AC_CHECK(store::insert_session(tx, memory, draft.session_number, address, draft.now));
        session = store::SessionRow{.number = draft.session_number};
    }
    if (session->bytes + draft.bytes() > limits.session_bytes_max)
        return fail(ErrorCode::quota_exceeded,
                    fmt::format("A session holds at most {} bytes", limits.session_bytes_max));
    return *session;
}

// The branch of the event, made when it is new.
Result<Branch> open_branch(Transaction& tx, const Draft& draft, std::int64_t session) {
    auto branch = draft.wanted.branch;
    if (!draft.wanted.has_branch || branch.name == kMainBranch) return Branch{};
    AC_TRY(const auto known, store::find_branch(tx, session, branch.name));
    if (known) {
        if (branch.root && *branch.root != known->root)
            return invalid(fmt::format("Branch {} has another root event", branch.name));
        branch.root = known->root;
        return branch;
    }
    if (!branch.root)
        return invalid(fmt::format("Branch {} is new and needs a rootEventId", branch.name));
    AC_TRY(const auto root,
           store::find_event(tx, session, draft.wanted.address, *branch.root, draft.now));
    if (!root) return invalid("rootEventId is not an event of this session", "EventInOtherSession");
    AC_CHECK(store::insert_branch(tx, session,
                                  {.name = branch.name,
                                   .root = *branch.root,
                                   .root_place = root->place,
                                   .parent = root->event.branch.name}));
    return branch;
}

json::object metadata_document(const Metadata& metadata) {
    RecordMetadata out;
    for (const auto& [key, value] : metadata.entries) out.emplace_back(key, value);
    return metadata_to_json(out);
}

Result<> insert_job(Transaction& tx, const Draft& draft, std::int64_t memory,
                    const EventId& event) {
    return store::insert_job(tx, {.id = draft.job_id,
                                  .memory = memory,
                                  .address = draft.wanted.address,
                                  .event = event,
                                  .event_time = draft.wanted.time,
                                  .arrival = draft.arrival,
                                  .payload = draft.wanted.payload,
                                  .namespace_variables = draft.wanted.namespace_variables,
                                  .metadata = metadata_document(draft.wanted.metadata)});
}

struct Stored {
    Event event;
    bool was_known = false;  // by its token; otherwise payload and metadata stay with the draft
    bool left_job = false;
};

Result<Stored> insert(Transaction& tx, const Draft& draft, const MemoryLimits& limits) {
    const auto& wanted = draft.wanted;
    AC_TRY(const auto memory, store::get_memory_key(tx, draft.scope, wanted.address.memory));
    if (!wanted.once.token.empty()) {
        AC_TRY(auto known,
               store::find_event_by_token(tx, memory.number, memory.id, wanted.once.token));
        if (known && known->parameters != wanted.once.parameters)
            return invalid("clientToken was used before with other parameters",
                           "IdempotentParameterMismatchException");
        if (known) return Stored{.event = std::move(known->event), .was_known = true};
    }
    if (!wanted.namespace_variables.empty()) {
        AC_TRY(const auto whole, store::get_memory(tx, draft.scope, memory.id));
        AC_CHECK(check_variables(whole, wanted.namespace_variables));
    }
    AC_TRY(const auto session, open_session(tx, draft, memory.number, limits));
    Stored out{
        .event = {.address = wanted.address,
                  .id = EventId(fmt::format("{:019}#{}", to_epoch_ms(wanted.time), draft.suffix)),
                  .time = wanted.time}};
    auto& event = out.event;
    event.address.memory = memory.id;
    AC_TRY(event.branch, open_branch(tx, draft, session.number));
    const store::EventRow row{.memory = memory.number,
                              .session = session.number,
                              .arrival = draft.arrival,
                              .expires_at = draft.now + std::chrono::days(memory.expiry_days),
                              .id = event.id,
                              .branch = event.branch,
                              .payload = draft.payload};
    AC_CHECK(store::insert_event(tx, row, wanted));
    AC_CHECK(store::add_session_bytes(tx, session.number, draft.bytes(), draft.now));
    out.left_job = wanted.extract && memory.has_strategies && has_messages(wanted.payload);
    if (out.left_job) AC_CHECK(insert_job(tx, draft, memory.number, event.id));
    return out;
}

Draft draft_of(const Context& context, Scope scope, NewEvent wanted) {
    Draft out{.scope = std::move(scope), .wanted = std::move(wanted), .now = context.now()};
    std::array<std::byte, 4> bytes{};
    context.random.fill(bytes);
    out.suffix = to_hex(bytes);
    out.arrival = context.arrivals.next(out.now);
    out.session_number = random_number(context.random);
    out.job_id = random_uuid(context.random);
    out.payload = json::serialize(out.wanted.payload);
    auto& session = out.wanted.address.session;
    if (session.empty()) session = SessionId(random_uuid(context.random));
    return out;
}

struct SessionOf {
    store::MemoryKey memory;
    std::optional<store::SessionRow> session;
};

Result<SessionOf> find(Transaction& tx, const Scope& scope, const Address& address) {
    AC_TRY(auto memory, store::get_memory_key(tx, scope, address.memory));
    AC_TRY(auto session, store::find_session(tx, memory.number, address.actor, address.session));
    return SessionOf{std::move(memory), session};
}

std::unexpected<Error> no_event(const EventId& id) {
    return fail(ErrorCode::not_found, "Event not found: " + id.text());
}

// The branch itself and, when wanted, what it has of its parents.
Result<std::vector<store::BranchPart>> parts_of(Transaction& tx, std::int64_t session,
                                                const EventQuery& query, std::size_t depth_max) {
    std::vector<store::BranchPart> out;
    if (!query.branch) return out;
    out.push_back({.name = *query.branch});
    if (!query.with_parent_branches) return out;
    Cursor until;
    while (out.back().name != kMainBranch && out.size() <= depth_max) {
        AC_TRY(const auto branch, store::find_branch(tx, session, out.back().name));
        if (!branch) break;
        const auto& root = branch->root_place;
        if (std::pair(root.time, root.arrival) < std::pair(until.time, until.arrival)) until = root;
        out.push_back({.name = branch->parent, .until = until});
    }
    return out;
}

template <class Item, class Name>
Page<Item> cut(std::vector<Item> items, int count, const std::string& listing, Name name) {
    Page<Item> out{.items = std::move(items)};
    if (out.items.size() > static_cast<std::size_t>(count)) {
        out.items.resize(static_cast<std::size_t>(count));
        out.next_token = text_token(listing, name(out.items.back()));
    }
    return out;
}

Result<std::string> start_of(const std::string& listing, const PageRequest& page) {
    if (page.token.empty()) return std::string();
    return last_of_text_token(listing, page.token);
}

}  // namespace

Task<Event> Events::create(Scope scope, NewEvent wanted) {
    // Shared with the transaction, which may run twice and is over when what it had is answered.
    const auto draft =
        std::make_shared<Draft>(draft_of(context_, std::move(scope), std::move(wanted)));
    if (draft->payload.size() > context_.limits.event_bytes_max)
        co_return fail(ErrorCode::too_large, fmt::format("An event holds at most {} bytes",
                                                         context_.limits.event_bytes_max));
    auto work = [draft, limits = context_.limits](Transaction& tx) {
        return insert(tx, *draft, limits);
    };
    AC_CO_TRY(auto stored, co_await context_.database.write(std::move(work)));
    if (stored.left_job) listener_.on_job();
    if (!stored.was_known) {
        stored.event.payload = std::move(draft->wanted.payload);
        stored.event.metadata = std::move(draft->wanted.metadata);
    }
    co_return std::move(stored.event);
}

Task<SessionId> Events::ingest(Scope scope, NewEvent content) {
    auto draft = draft_of(context_, std::move(scope), std::move(content));
    if (draft.payload.size() > context_.limits.ingest_bytes_max)
        co_return fail(ErrorCode::too_large, fmt::format("IngestData takes at most {} bytes",
                                                         context_.limits.ingest_bytes_max));
    const auto session = draft.wanted.address.session;
    const auto oldest = draft.now - context_.limits.token_memory;
    auto work = [draft = std::move(draft), oldest](Transaction& tx) -> Result<SessionId> {
        const auto& wanted = draft.wanted;
        AC_TRY(const auto memory, store::get_memory(tx, draft.scope, wanted.address.memory));
        AC_TRY(const auto known,
               store::find_answer(tx, draft.scope, "IngestData", wanted.once, oldest));
        if (known) return SessionId(*known);
        AC_CHECK(check_variables(memory, wanted.namespace_variables));
        const EventId none(fmt::format("{:019}#{}", to_epoch_ms(wanted.time), draft.suffix));
        if (!memory.strategies.empty()) AC_CHECK(insert_job(tx, draft, memory.number, none));
        AC_CHECK(store::keep_answer(tx, draft.scope, "IngestData", wanted.once,
                                    wanted.address.session.text(), draft.now));
        return wanted.address.session;
    };
    AC_CO_TRY(auto answered, co_await context_.database.write(std::move(work)));
    listener_.on_job();
    co_return answered;
}

Task<Event> Events::get(Scope scope, Address address, EventId id) {
    auto work = [scope, address, id, now = context_.now()](Transaction& tx) -> Result<Event> {
        AC_TRY(const auto place, find(tx, scope, address));
        if (!place.session) return no_event(id);
        AC_TRY(auto event, store::find_event(tx, place.session->number, address, id, now));
        if (!event) return no_event(id);
        event->event.address.memory = place.memory.id;
        return std::move(event->event);
    };
    co_return co_await context_.database.read(std::move(work));
}

Task<> Events::remove(Scope scope, Address address, EventId id) {
    auto work = [scope, address, id, now = context_.now()](Transaction& tx) -> Result<> {
        AC_TRY(const auto place, find(tx, scope, address));
        if (!place.session) return no_event(id);
        AC_TRY(const auto event, store::find_event(tx, place.session->number, address, id, now));
        if (!event) return no_event(id);
        AC_CHECK(store::erase_event(tx, place.session->number, event->place));
        const auto bytes = static_cast<std::int64_t>(json::serialize(event->event.payload).size());
        return store::add_session_bytes(tx, place.session->number, -bytes, now);
    };
    co_return co_await context_.database.write(std::move(work));
}

Task<Page<Event>> Events::list(Scope scope, EventQuery query) {
    const auto& address = query.address;
    const std::string listing = fmt::format("events {}\n{}\n{}", address.memory.text(),
                                            address.actor.text(), address.session.text());
    AC_CO_TRY(const auto after, cursor_of_token(listing, query.page.token));
    const int count =
        query.page.items_max > 0 ? query.page.items_max : context_.limits.page_default;
    auto work = [scope, query, after, count, now = context_.now(),
                 depth = context_.limits.branch_depth_max](
                    Transaction& tx) -> Result<std::vector<store::StoredEvent>> {
        AC_TRY(auto place, find(tx, scope, query.address));
        if (!place.session) return std::vector<store::StoredEvent>();
        const auto number = place.session->number;
        AC_TRY(auto parts, parts_of(tx, number, query, depth));
        auto own = query.address;
        own.memory = place.memory.id;
        return store::list_events(tx, own,
                                  {.session = number,
                                   .branches = std::move(parts),
                                   .filters = query.filters,
                                   .after = after,
                                   .items_max = count + 1,
                                   .now = now});
    };
    AC_CO_TRY(auto found, co_await context_.database.read(std::move(work)));
    Page<Event> out;
    if (found.size() > static_cast<std::size_t>(count)) {
        found.resize(static_cast<std::size_t>(count));
        out.next_token = cursor_token(listing, found.back().place);
    }
    for (auto& stored : found) {
        if (!query.with_payloads) stored.event.payload.clear();
        out.items.push_back(std::move(stored.event));
    }
    co_return out;
}

Task<Page<SessionSummary>> Events::sessions(Scope scope, MemoryId memory, ActorId actor,
                                            bool with_events, PageRequest page) {
    const std::string listing = fmt::format("sessions {}\n{}", memory.text(), actor.text());
    AC_CO_TRY(auto after, start_of(listing, page));
    const int count = page.items_max > 0 ? page.items_max : context_.limits.page_default;
    auto work = [scope, memory, actor, with_events, after, count,
                 now = context_.now()](Transaction& tx) -> Result<std::vector<SessionSummary>> {
        AC_TRY(const auto found, store::get_memory_key(tx, scope, memory));
        return store::list_sessions(tx, found.number, actor, after, with_events, now, count + 1);
    };
    AC_CO_TRY(auto items, co_await context_.database.read(std::move(work)));
    co_return cut(std::move(items), count, listing,
                  [](const SessionSummary& item) { return item.session.text(); });
}

Task<Page<ActorId>> Events::actors(Scope scope, MemoryId memory, PageRequest page) {
    const std::string listing = "actors " + memory.text();
    AC_CO_TRY(auto after, start_of(listing, page));
    const int count = page.items_max > 0 ? page.items_max : context_.limits.page_default;
    auto work = [scope, memory, after, count](Transaction& tx) -> Result<std::vector<ActorId>> {
        AC_TRY(const auto found, store::get_memory_key(tx, scope, memory));
        return store::list_actors(tx, found.number, after, count + 1);
    };
    AC_CO_TRY(auto items, co_await context_.database.read(std::move(work)));
    co_return cut(std::move(items), count, listing,
                  [](const ActorId& item) { return item.text(); });
}

Task<Page<FailedJob>> Events::failed_jobs(Scope scope, MemoryId memory, JobFilter filter,
                                          PageRequest page) {
    const std::string listing = "jobs " + memory.text();
    AC_CO_TRY(auto after, start_of(listing, page));
    const int count = page.items_max > 0 ? page.items_max : context_.limits.page_default;
    auto work = [scope, memory, filter, after,
                 count](Transaction& tx) -> Result<std::vector<FailedJob>> {
        AC_TRY(const auto found, store::get_memory_key(tx, scope, memory));
        std::vector<FailedJob> out;
        auto from = after;
        while (out.size() <= static_cast<std::size_t>(count)) {
            AC_TRY(auto jobs, store::list_failed_jobs(tx, found.number, from, count + 1));
            if (jobs.empty()) break;
            from = jobs.back().id;
            for (auto& job : jobs) {
                if (!filter.session.empty() && job.address.session.text() != filter.session)
                    continue;
                if (!filter.actor.empty() && job.address.actor.text() != filter.actor) continue;
                if (!filter.strategy.empty() && !job.strategy.empty() &&
                    job.strategy != filter.strategy)
                    continue;
                out.push_back({job.id, job.strategy, job.address, job.event, job.payload.size(),
                               job.failure});
            }
        }
        return out;
    };
    AC_CO_TRY(auto items, co_await context_.database.read(std::move(work)));
    co_return cut(std::move(items), count, listing, [](const FailedJob& item) { return item.id; });
}

Task<> Events::restart_job(Scope scope, MemoryId memory, std::string id) {
    const auto arrival = context_.arrivals.next(context_.now());
    auto work = [scope, memory, id, arrival](Transaction& tx) -> Result<> {
        AC_TRY(const auto found, store::get_memory_key(tx, scope, memory));
        AC_TRY(const bool restarted, store::restart_job(tx, found.number, id, arrival));
        if (!restarted) return fail(ErrorCode::not_found, "Extraction job not found: " + id);
        return {};
    };
    AC_CO_CHECK(co_await context_.database.write(std::move(work)));
    listener_.on_restart();
    co_return Result<>{};
}

}  // namespace ac::memory
