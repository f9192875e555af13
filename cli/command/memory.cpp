// `agentcore memory ...`, all but export and import.
#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cmath>
#include <fstream>

#include "base/time_text.h"
#include "cli/command/commands.h"
#include "cli/command/connection.h"
#include "cli/command/memory_input.h"
#include "cli/net/memory_calls.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kLineWidth = 400;  // bytes of a payload shown in a listing

void print_document(const Context& context, const json::value& document) {
    context.console().out(json::serialize(document) + "\n");
}

void print_list(const Context& context, std::string_view member, json::array items) {
    json::object out;
    out[member] = std::move(items);
    print_document(context, out);
}

Expected<Connection> open(const Context& context, const std::string& region) {
    return connect(context.world, context.common, region);
}

EachItem collect(json::array& into) {
    return [&into](const json::object& item) -> Expected<> {
        into.emplace_back(item);
        return {};
    };
}

// "2026-11-22T18:03:04Z" of a member in epoch seconds; empty when it is not there.
std::string time_at(const json::value& item, std::string_view member) {
    const auto& value = member_at(item, member);
    if (!value.is_number()) return {};
    const auto ms = static_cast<std::int64_t>(std::llround(value.to_number<double>() * 1000));
    const auto text = to_rfc3339(from_epoch_ms(ms));
    return text.substr(0, 19) + "Z";
}

std::string shortened(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
    if (text.size() <= kLineWidth) return text;
    auto end = kLineWidth;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    return text.substr(0, end) + "...";
}

std::string namespace_of(const json::value& record) {
    const auto* spaces = member_at(record, "namespaces").if_array();
    if (spaces == nullptr || spaces->empty() || !spaces->front().is_string()) return "-";
    return std::string(spaces->front().as_string());
}

std::string record_text(const json::value& record) {
    return shortened(text_at(member_at(record, "content"), "text"));
}

Expected<json::array> strategies_of(const std::string& given) {
    if (!given.starts_with('@')) return parse_strategies(given);
    std::ifstream file(given.substr(1), std::ios::binary);
    if (!file) return failed(ExitCode::usage, "cannot read " + given.substr(1));
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    return parse_strategies(text);
}

void print_memory(const Context& context, const json::value& memory) {
    const auto days = member_at(memory, "eventExpiryDuration");
    context.console().out(
        fmt::format("{}\n  name      {}\n  status    {}\n  arn       {}\n  expiry    {} days\n"
                    "  created   {}\n",
                    text_at(memory, "id"), text_at(memory, "name"), text_at(memory, "status"),
                    text_at(memory, "arn"), json::serialize(days), time_at(memory, "createdAt")));
    const auto* strategies = member_at(memory, "strategies").if_array();
    if (strategies == nullptr) return;
    for (const auto& strategy : *strategies)
        context.console().out(fmt::format(
            "  strategy  {} {} {} {}\n", text_at(strategy, "strategyId"), text_at(strategy, "type"),
            text_at(strategy, "status"), namespace_of(strategy)));
}

void print_payload(const Context& context, const json::value& event) {
    const auto* payload = member_at(event, "payload").if_array();
    if (payload == nullptr) return;
    for (const auto& item : *payload) {
        const auto& said = member_at(item, "conversational");
        if (said.is_null()) {
            context.console().out("  " + shortened(json::serialize(item)) + "\n");
            continue;
        }
        context.console().out(fmt::format("  {}: {}\n", text_at(said, "role"),
                                          shortened(text_at(member_at(said, "content"), "text"))));
    }
}

Expected<> print_events(const Context& context, AwsClient& client, const std::string& memory,
                        const MemoryEventsOptions& options) {
    json::object filter;
    if (!options.branch.empty()) filter["branch"] = json::object{{"name", options.branch}};
    json::array events;
    AC_CHECK(each_event(client, {memory, options.actor, options.session}, filter,
                        static_cast<std::size_t>(options.count), collect(events)));
    if (context.common.json) {
        print_list(context, "events", std::move(events));
        return {};
    }
    if (events.empty()) context.console().out("No events.\n");
    // As it was said: the oldest of them first.
    for (auto event = events.rbegin(); event != events.rend(); ++event) {
        const auto branch = text_at(member_at(*event, "branch"), "name");
        context.console().out(fmt::format("{} {}{}\n", time_at(*event, "eventTimestamp"),
                                          text_at(*event, "eventId"),
                                          branch == "main" ? "" : " on " + branch));
        print_payload(context, *event);
    }
    return {};
}

// What a listing of records or a search selects.
template <class Options>
void select_spaces(const Options& options, json::object& input) {
    if (options.space.empty())
        input["namespacePath"] = options.path;
    else
        input["namespace"] = options.space;
}

void print_names(const Context& context, const json::array& items, std::string_view member) {
    for (const auto& item : items) context.console().out(text_at(item, member) + "\n");
}

}  // namespace

Expected<> run(const Context& context, const MemoryCreateOptions& options) {
    json::object input;
    input["name"] = options.name;
    input["eventExpiryDuration"] = options.event_expiry_days;
    if (!options.description.empty()) input["description"] = options.description;
    AC_TRY(auto strategies, strategies_of(options.strategies));
    if (!strategies.empty()) input["memoryStrategies"] = std::move(strategies);
    AC_TRY(const auto connection, open(context, options.region));
    AC_TRY(const auto created, create_memory(*connection.client, input));
    AC_TRY(const auto memory,
           get_memory(*connection.client, text_at(member_at(created, "memory"), "id")));
    if (context.common.json)
        print_document(context, memory);
    else
        print_memory(context, memory);
    return {};
}

Expected<> run(const Context& context, const MemoryListOptions& options) {
    AC_TRY(const auto connection, open(context, options.region));
    AC_TRY(auto memories, list_memories(*connection.client));
    if (context.common.json) {
        print_list(context, "memories", std::move(memories));
        return {};
    }
    if (memories.empty()) context.console().out("No memories.\n");
    for (const auto& memory : memories)
        context.console().out(fmt::format("{} {} {}\n", text_at(memory, "id"),
                                          text_at(memory, "status"), time_at(memory, "createdAt")));
    return {};
}

Expected<> run(const Context& context, const MemoryShowOptions& options) {
    AC_TRY(const auto connection, open(context, options.region));
    AC_TRY(const auto memory, find_memory(*connection.client, options.memory));
    if (context.common.json)
        print_document(context, memory);
    else
        print_memory(context, memory);
    return {};
}

Expected<> run(const Context& context, const MemoryDeleteOptions& options) {
    AC_TRY(const auto connection, open(context, options.region));
    AC_TRY(const auto memory, find_memory(*connection.client, options.memory));
    const auto id = text_at(memory, "id");
    Console& console = context.console();
    const bool can_ask = console.in_is_terminal() && console.err_is_terminal();
    if (!options.force &&
        (!can_ask || !confirm(console, fmt::format("Delete memory {} and all it holds?", id))))
        return failed(ExitCode::failed, "nothing was deleted",
                      "Give --force to delete without being asked.");
    AC_CHECK(delete_memory(*connection.client, id));
    if (context.common.json)
        print_document(context, json::object{{"memoryId", id}, {"deleted", true}});
    else
        console.out(fmt::format("Deleted {}.\n", id));
    return {};
}

Expected<> run(const Context& context, const MemoryEventsOptions& options) {
    if (options.actor.empty() && !options.session.empty())
        return failed(ExitCode::usage, "a session belongs to an actor", "Give --actor too.");
    AC_TRY(const auto connection, open(context, options.region));
    AC_TRY(const auto memory, find_memory(*connection.client, options.memory));
    const auto id = text_at(memory, "id");
    if (!options.session.empty()) return print_events(context, *connection.client, id, options);
    json::array items;
    const bool actors = options.actor.empty();
    AC_CHECK(actors ? each_actor(*connection.client, id, collect(items))
                    : each_session(*connection.client, id, options.actor, collect(items)));
    if (context.common.json)
        print_list(context, actors ? "actorSummaries" : "sessionSummaries", std::move(items));
    else
        print_names(context, items, actors ? "actorId" : "sessionId");
    return {};
}

Expected<> run(const Context& context, const MemoryRecordsOptions& options) {
    AC_TRY(const auto connection, open(context, options.region));
    AC_TRY(const auto memory, find_memory(*connection.client, options.memory));
    json::object input;
    select_spaces(options, input);
    if (!options.strategy.empty()) input["memoryStrategyId"] = options.strategy;
    json::array records;
    AC_CHECK(each_record(*connection.client, text_at(memory, "id"), std::move(input),
                         static_cast<std::size_t>(options.count), collect(records)));
    if (context.common.json) {
        print_list(context, "memoryRecordSummaries", std::move(records));
        return {};
    }
    if (records.empty()) context.console().out("No records.\n");
    for (const auto& record : records)
        context.console().out(fmt::format("{} {} {}\n  {}\n", text_at(record, "memoryRecordId"),
                                          time_at(record, "createdAt"), namespace_of(record),
                                          record_text(record)));
    return {};
}

Expected<> run(const Context& context, const MemorySearchOptions& options) {
    AC_TRY(const auto connection, open(context, options.region));
    AC_TRY(const auto memory, find_memory(*connection.client, options.memory));
    json::object criteria = {{"searchQuery", options.query}, {"topK", options.top_k}};
    if (!options.strategy.empty()) criteria["memoryStrategyId"] = options.strategy;
    json::object input;
    select_spaces(options, input);
    input["searchCriteria"] = std::move(criteria);
    input["maxResults"] = options.top_k;
    AC_TRY(const auto found, search_records(*connection.client, text_at(memory, "id"), input));
    if (context.common.json) {
        print_document(context, found);
        return {};
    }
    const auto* records = member_at(found, "memoryRecordSummaries").if_array();
    if (records == nullptr || records->empty()) context.console().out("No records.\n");
    if (records == nullptr) return {};
    for (const auto& record : *records) {
        const auto& score = member_at(record, "score");
        context.console().out(
            fmt::format("{:.3f} {} {}\n  {}\n", score.is_number() ? score.to_number<double>() : 0,
                        time_at(record, "createdAt"), namespace_of(record), record_text(record)));
    }
    return {};
}

Expected<> run(const Context& context, const MemoryJobsOptions& options) {
    AC_TRY(const auto connection, open(context, options.region));
    AC_TRY(const auto memory, find_memory(*connection.client, options.memory));
    const auto id = text_at(memory, "id");
    json::array jobs;
    AC_CHECK(each_failed_job(*connection.client, id, collect(jobs)));
    if (!options.retry.empty()) {
        if (options.retry != "all") jobs = {json::object{{"jobID", options.retry}}};
        for (const auto& job : jobs)
            AC_CHECK(start_extraction_job(*connection.client, id, text_at(job, "jobID")));
    }
    if (context.common.json) {
        print_list(context, options.retry.empty() ? "jobs" : "started", std::move(jobs));
        return {};
    }
    if (jobs.empty()) context.console().out("No failed jobs.\n");
    for (const auto& job : jobs)
        context.console().out(
            fmt::format("{} {}{} {} {}\n", options.retry.empty() ? "" : "started ",
                        text_at(job, "jobID"), text_at(job, "actorId"), text_at(job, "sessionId"),
                        shortened(text_at(job, "failureReason"))));
    return {};
}

Expected<> run(const Context& context, const MemoryRebuildOptions& options) {
    AC_TRY(const auto connection, open(context, options.region));
    AC_TRY(const auto memory, find_memory(*connection.client, options.memory));
    AC_TRY(const auto done, rebuild_memory(*connection.client, text_at(memory, "id")));
    if (context.common.json)
        print_document(context, done);
    else
        context.console().out(
            fmt::format("Removed {} records; they are made anew from {} events.\n",
                        json::serialize(member_at(done, "recordsRemoved")),
                        json::serialize(member_at(done, "events"))));
    return {};
}

}  // namespace ac::cli
