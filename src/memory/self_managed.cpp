#include "memory/self_managed.h"

#include <algorithm>
#include <boost/json.hpp>

namespace ac::memory {

namespace {

using storage::Transaction;

constexpr std::size_t kBytesPerToken = 4;
constexpr int kIdleBatch = 100;  // sessions at once

const json::object* object_in(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value == nullptr ? nullptr : value->if_object();
}

std::int64_t number_in(const json::object* object, std::string_view name) {
    const auto* value = object == nullptr ? nullptr : object->if_contains(name);
    return value != nullptr && value->is_number() ? value->to_number<std::int64_t>() : 0;
}

std::string text_in(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    return value != nullptr && value->is_string() ? json::value_to<std::string>(*value) : "";
}

// A message as pipelines get it: {"role", "content": {"text"}}.
json::array context_of(const json::array& payload) {
    json::array out;
    for (const auto& item : payload) {
        const auto& members = item.as_object();
        if (const auto* said = object_in(members, "conversational"))
            out.push_back({{"role", text_in(*said, "role")}, {"content", said->at("content")}});
        else if (const auto* document = object_in(members, "json"))
            out.push_back({{"role", "OTHER"}, {"content", {{"json", document->at("content")}}}});
    }
    return out;
}

json::object delivery(const Memory& memory, const Strategy& strategy, const std::string& id,
                      const store::Collected& collected) {
    json::object out;
    out["jobId"] = id;
    out["requestId"] = id;
    out["accountId"] = memory.scope.account;
    out["memoryId"] = memory.id.text();
    out["actorId"] = collected.address.actor.text();
    out["sessionId"] = collected.address.session.text();
    out["strategyId"] = strategy.id;
    out["startingTimestamp"] = to_epoch_ms(collected.first);
    out["endingTimestamp"] = to_epoch_ms(collected.last);
    out["currentContext"] = collected.messages;
    out["historicalContext"] = collected.history;
    return out;
}

// What was collected becomes a job; the session begins anew, with its history.
Result<> fire(Transaction& tx, const Memory& memory, const Strategy& strategy,
              const SelfManaged& settings, store::Collected collected,
              const RecordNumbers& numbers) {
    const auto id = numbers.job_id();
    store::Job job{.id = id,
                   .memory = memory.number,
                   .address = collected.address,
                   .event = collected.event,
                   .event_time = collected.last,
                   .arrival = numbers.key(),
                   .strategy = strategy.id};
    job.payload.push_back(delivery(memory, strategy, id, collected));
    AC_CHECK(store::insert_job(tx, job));
    for (auto& message : collected.messages) collected.history.push_back(std::move(message));
    while (collected.history.size() > settings.history)
        collected.history.erase(collected.history.begin());
    collected.messages.clear();
    collected.tokens = 0;
    collected.due.reset();
    return store::save_collected(tx, collected);
}

}  // namespace

std::optional<SelfManaged> self_managed_of(const Strategy& strategy) {
    const auto* given = object_in(strategy.configuration, "selfManagedConfiguration");
    if (given == nullptr) return std::nullopt;
    SelfManaged out{.history =
                        static_cast<std::size_t>(number_in(given, "historicalContextWindowSize"))};
    if (const auto* invocation = object_in(*given, "invocationConfiguration")) {
        out.topic = text_in(*invocation, "topicArn");
        out.bucket = text_in(*invocation, "payloadDeliveryBucketName");
    }
    const auto* triggers = given->if_contains("triggerConditions");
    if (triggers == nullptr || !triggers->is_array()) return out;
    for (const auto& trigger : triggers->get_array()) {
        const auto& one = trigger.as_object();
        if (const auto* messages = object_in(one, "messageBasedTrigger"))
            out.message_count = static_cast<std::size_t>(number_in(messages, "messageCount"));
        if (const auto* tokens = object_in(one, "tokenBasedTrigger"))
            out.token_count = static_cast<std::size_t>(number_in(tokens, "tokenCount"));
        if (const auto* idle = object_in(one, "timeBasedTrigger"))
            out.idle_seconds = number_in(idle, "idleSessionTimeout");
    }
    return out;
}

Result<bool> collect(Transaction& tx, const Memory& memory, const Strategy& strategy,
                     const store::Job& job, const RecordNumbers& numbers, WallTime now) {
    const auto settings = self_managed_of(strategy);
    auto added = context_of(job.payload);
    if (!settings || added.empty()) return false;
    AC_TRY(auto collected, store::find_collected(tx, memory.number, strategy.id, job.address.actor,
                                                 job.address.session));
    if (!collected)
        collected = store::Collected{
            .memory = memory.number, .strategy = strategy.id, .address = job.address};
    if (collected->messages.empty()) collected->first = job.event_time;
    collected->last = std::max(collected->last, job.event_time);
    collected->event = job.event;
    for (auto& message : added) {
        collected->tokens +=
            static_cast<std::int64_t>(json::serialize(message).size() / kBytesPerToken);
        collected->messages.push_back(std::move(message));
    }
    const bool fires =
        (settings->message_count > 0 && collected->messages.size() >= settings->message_count) ||
        (settings->token_count > 0 &&
         collected->tokens >= static_cast<std::int64_t>(settings->token_count));
    if (fires) {
        AC_CHECK(fire(tx, memory, strategy, *settings, *std::move(collected), numbers));
        return true;
    }
    if (settings->idle_seconds > 0) collected->due = now + Seconds(settings->idle_seconds);
    AC_CHECK(store::save_collected(tx, *collected));
    return false;
}

Result<std::size_t> deliver_idle(Transaction& tx, const RecordNumbers& numbers, WallTime now) {
    AC_TRY(auto due, store::list_due(tx, now, kIdleBatch));
    std::size_t fired = 0;
    for (auto& collected : due) {
        AC_TRY(const auto memory, store::find_memory_by_number(tx, collected.memory));
        const Strategy* strategy = nullptr;
        if (memory && memory->status == MemoryStatus::active) {
            const auto found =
                std::ranges::find(memory->strategies, collected.strategy, &Strategy::id);
            if (found != memory->strategies.end()) strategy = &*found;
        }
        const auto settings = strategy ? self_managed_of(*strategy) : std::nullopt;
        if (settings) {
            AC_CHECK(fire(tx, *memory, *strategy, *settings, std::move(collected), numbers));
            ++fired;
        } else {
            AC_CHECK(store::erase_collected(tx, collected));
        }
    }
    return fired;
}

std::string delivery_key(const json::object& payload) {
    return "memory/" + text_in(payload, "memoryId") + "/" + text_in(payload, "strategyId") + "/" +
           text_in(payload, "jobId") + ".json";
}

std::string delivery_message(const json::object& payload, const SelfManaged& settings) {
    json::object out;
    out["jobId"] = payload.at("jobId");
    out["s3PayloadLocation"] = "s3://" + settings.bucket + "/" + delivery_key(payload);
    out["memoryId"] = payload.at("memoryId");
    out["strategyId"] = payload.at("strategyId");
    return json::serialize(out);
}

}  // namespace ac::memory
