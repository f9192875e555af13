// The questions that ModelWorker asks, strategy by strategy.
#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "memory/model_worker.h"
#include "memory/namespace_rules.h"

namespace ac::memory {

namespace {

constexpr std::size_t kEarlierMessages = 10;  // context before what is new
constexpr std::size_t kSessionMessages = 60;  // of an episode
constexpr std::size_t kSimilarPerStatement = 5;
constexpr std::size_t kSimilarRecords = 20;
constexpr int kEpisodes = 10;     // looked at for reflections
constexpr int kReflections = 10;  // known ones shown to the model
constexpr auto kMinute = std::chrono::minutes(1);

}  // namespace

Task<ModelWorker::Changes> ModelWorker::changes_of(const Batch& batch) {
    Task<Changes> work = batch.strategy.kind == StrategyKind::summary    ? summary(batch)
                         : batch.strategy.kind == StrategyKind::episodic ? episode(batch)
                                                                         : statements(batch);
    AC_CO_TRY(auto changes, co_await std::move(work));
    const auto own = schema_metadata(batch.strategy, batch.jobs.back().metadata);
    for (auto& change : changes) merge_metadata(change.metadata, own);
    co_return changes;
}

Task<ModelWorker::Changes> ModelWorker::statements(const Batch& batch) {
    auto read = [job = batch.jobs.front(), count = kEarlierMessages + batch.messages.size(),
                 now = context_.now()](storage::Transaction& tx) {
        return session_messages(tx, job.memory, job, count, now);
    };
    AC_CO_TRY(auto earlier, co_await context_.database.read(std::move(read)));
    // What is new stands at the end, unless more came meanwhile.
    earlier.resize(earlier.size() - std::min(earlier.size(), batch.messages.size()));
    auto data = extraction_data(earlier, batch.messages, batch.when, batch.strategy.schema);
    AC_CO_TRY(const auto answer,
              co_await ask(batch, Step::extraction, std::move(data), statements_schema()));
    AC_CO_TRY(const auto said, parse_statements(answer, batch.strategy.schema));
    Changes out;
    AC_CO_TRY(const auto known, co_await similar(batch, said));
    std::vector<Decision> decisions(said.size());
    for (std::size_t i = 0; i < said.size(); ++i) decisions[i].statement = i;
    if (!known.empty()) {
        auto question = consolidation_data(said, known);
        AC_CO_TRY(const auto decided, co_await ask(batch, Step::consolidation, std::move(question),
                                                   decisions_schema()));
        AC_CO_TRY(decisions, parse_decisions(decided, said.size(), known.size()));
    }
    std::set<std::size_t> replaced;  // a record is replaced once
    for (const auto& decision : decisions) {
        const auto& statement = said[decision.statement];
        Change change{.space = batch.space, .text = statement.text, .metadata = statement.metadata};
        if (decision.action == Decision::Action::no_op) {
            change.kind = Change::Kind::no_op;
            change.record = known[decision.record];
        } else if (decision.action == Decision::Action::update &&
                   replaced.insert(decision.record).second) {
            change.kind = Change::Kind::update;
            change.text = decision.text;
            change.record = known[decision.record];
        }
        out.push_back(std::move(change));
    }
    co_return out;
}

Task<std::vector<Record>> ModelWorker::similar(const Batch& batch,
                                               const std::vector<ModelStatement>& statements) {
    std::vector<std::int64_t> keys;
    for (const auto& statement : statements) {
        RecordQuery query{.memory = batch.memory.id,
                          .spaces = {.space = batch.space},
                          .strategy = batch.strategy.id,
                          .text = statement.text,
                          .topk = kSimilarPerStatement};
        AC_CO_TRY(const auto found, co_await index_.search(batch.memory.number, std::move(query)));
        for (const auto& hit : found.hits)
            if (keys.size() < kSimilarRecords && std::ranges::find(keys, hit.key) == keys.end())
                keys.push_back(hit.key);
    }
    auto read = [number = batch.memory.number, keys](storage::Transaction& tx) {
        return store::records_by_key(tx, number, keys);
    };
    co_return co_await context_.database.read(std::move(read));
}

Task<ModelWorker::Changes> ModelWorker::summary(const Batch& batch) {
    Change change{.kind = Change::Kind::rewrite,
                  .space = batch.space,
                  .subject = "summary:" + batch.jobs.front().address.session.text()};
    auto read = [&](storage::Transaction& tx) {
        return store::find_by_subject(tx, batch.memory.number, batch.space, batch.strategy.id,
                                      change.subject);
    };
    AC_CO_TRY(const auto known, co_await context_.database.read(std::move(read)));
    auto data = summary_data(known ? known->text : "", batch.messages, batch.when);
    AC_CO_TRY(const auto answer,
              co_await ask(batch, Step::consolidation, std::move(data), summary_schema()));
    AC_CO_TRY(change.text, parse_summary(answer));
    co_return Changes(1, std::move(change));
}

Task<ModelWorker::Changes> ModelWorker::episode(const Batch& batch) {
    auto read = [job = batch.jobs.front(), now = context_.now()](storage::Transaction& tx) {
        return session_messages(tx, job.memory, job, kSessionMessages, now);
    };
    AC_CO_TRY(const auto session, co_await context_.database.read(std::move(read)));
    auto data = extraction_data({}, session, batch.when, batch.strategy.schema);
    AC_CO_TRY(const auto answer,
              co_await ask(batch, Step::extraction, std::move(data), episode_schema()));
    Change change{.kind = Change::Kind::rewrite,
                  .space = batch.space,
                  .subject = "episode:" + batch.jobs.front().address.session.text()};
    AC_CO_TRY(change.text, parse_episode(answer));
    AC_CO_TRY(auto out, co_await reflections(batch, change.text));
    out.insert(out.begin(), std::move(change));
    co_return out;
}

Task<ModelWorker::Changes> ModelWorker::reflections(const Batch& batch,
                                                    const std::string& episode) {
    const auto& address = batch.jobs.front().address;
    const auto space = expand_namespace(reflection_template(batch.strategy),
                                        {.actor = address.actor.text(),
                                         .session = address.session.text(),
                                         .strategy = batch.strategy.id,
                                         .custom = &batch.jobs.front().namespace_variables});
    Changes out;
    if (!space || space->empty()) co_return out;
    auto read = [&](storage::Transaction& tx) {
        return store::list_records(tx, batch.memory.number, SpaceSelection{*space, true},
                                   batch.strategy.id, Cursor{}, 5 * kEpisodes);
    };
    AC_CO_TRY(auto records, co_await context_.database.read(std::move(read)));
    std::vector<Record> episodes(1, Record{.text = episode});
    std::vector<Record> known;
    const auto own = "episode:" + address.session.text();
    for (auto& record : records) {
        const bool is_episode = record.subject.starts_with("episode:");
        if (is_episode && record.subject != own && episodes.size() < kEpisodes)
            episodes.push_back(std::move(record));
        else if (record.subject == kReflectionSubject && known.size() < kReflections)
            known.push_back(std::move(record));
    }
    if (episodes.size() < 2) co_return out;
    auto data = reflection_data(episodes, known);
    AC_CO_TRY(const auto answer,
              co_await ask(batch, Step::reflection, std::move(data), reflections_schema()));
    AC_CO_TRY(const auto found, parse_reflections(answer, known.size()));
    std::set<std::size_t> replaced;
    for (const auto& reflection : found) {
        Change change{.space = *space, .text = reflection.text};
        change.subject = kReflectionSubject;
        if (reflection.replaces && replaced.insert(*reflection.replaces).second) {
            change.kind = Change::Kind::update;
            change.record = known[*reflection.replaces];
        }
        out.push_back(std::move(change));
    }
    co_return out;
}

Task<std::string> ModelWorker::ask(const Batch& batch, Step step, std::string data,
                                   json::value schema) {
    AC_CO_CHECK(co_await take_call());
    auto prompt = engines_.prompt_for(batch.strategy, step);
    ModelRequest request{.model = std::move(prompt.model),
                         .account = batch.memory.scope.account,
                         .system = std::move(prompt.system),
                         .data = std::move(data),
                         .schema = std::move(schema)};
    co_return co_await engines_.model()->answer(std::move(request));
}

// Waits until the last minute has room for a call.
Task<> ModelWorker::take_call() {
    const auto most = static_cast<std::size_t>(std::max(1, engines_.config().calls_per_minute));
    for (;;) {
        const auto now = context_.timer.clock().steady();
        SteadyTime free{};
        {
            const std::lock_guard lock(mutex_);
            while (!calls_.empty() && calls_.front() + kMinute <= now) calls_.pop_front();
            if (calls_.size() < most) {
                calls_.push_back(now);
                co_return Result<>{};
            }
            free = calls_.front() + kMinute;
        }
        AC_CO_CHECK(co_await context_.timer.sleep_until(free));
    }
}

}  // namespace ac::memory
