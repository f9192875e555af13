#include "wire/memory_binding.h"

#include <boost/json.hpp>

#include "wire/memory_json.h"
#include "wire/runtime_json.h"

namespace ac::wire {
namespace {

using memory::MemoryService;

std::string text_in(const json::object& input, std::string_view name) {
    const auto* value = input.if_contains(name);
    return value != nullptr && value->is_string() ? json::value_to<std::string>(*value) : "";
}

template <class Item, class Encode>
json::object page_output(const memory::Page<Item>& page, std::string_view key, Encode encode) {
    json::array items;
    for (const Item& item : page.items) items.emplace_back(encode(item));
    json::object out;
    out[key] = std::move(items);
    if (!page.next_token.empty()) out["nextToken"] = page.next_token;
    return out;
}

json::object wrapped(std::string_view name, json::object value) {
    json::object out;
    out[name] = std::move(value);
    return out;
}

// Create and Update answer with the state that they begin; it is over by the next call.
json::object receipt(const memory::Memory& memory, std::string_view status) {
    auto out = memory_output(memory);
    out["status"] = status;
    return wrapped("memory", std::move(out));
}

Task<json::object> create_memory(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto wanted, new_memory_from(input));
    AC_CO_TRY(const auto memory, co_await service.memories().create(call.scope, std::move(wanted)));
    co_return receipt(memory, "CREATING");
}

Task<json::object> get_memory(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto id, memory_id_from(call.scope, input));
    AC_CO_TRY(const auto memory, co_await service.memories().get(call.scope, std::move(id)));
    co_return wrapped("memory", memory_output(memory));
}

Task<json::object> list_memories(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(const auto page,
              co_await service.memories().list(call.scope, memory_page_from(input)));
    co_return page_output(page, "memories", memory_summary);
}

Task<json::object> update_memory(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto change, memory_change_from(call.scope, input));
    AC_CO_TRY(const auto memory, co_await service.memories().update(call.scope, std::move(change)));
    co_return receipt(memory, "UPDATING");
}

Task<json::object> delete_memory(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto id, memory_id_from(call.scope, input));
    auto token = idempotency_from(input);
    memory::Idempotency once{.token = std::move(token.token),
                             .parameters = std::move(token.parameters)};
    AC_CO_CHECK(co_await service.memories().remove(call.scope, id, std::move(once)));
    json::object out;
    out["memoryId"] = id.text();
    out["status"] = "DELETING";
    co_return out;
}

Task<json::object> create_event(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto wanted, new_event_from(call.scope, input));
    AC_CO_TRY(const auto event, co_await service.events().create(call.scope, std::move(wanted)));
    co_return wrapped("event", event_output(event));
}

Task<json::object> get_event(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto address, event_address_from(call.scope, input));
    memory::EventId id(text_in(input, "eventId"));
    AC_CO_TRY(const auto event,
              co_await service.events().get(call.scope, std::move(address), std::move(id)));
    co_return wrapped("event", event_output(event));
}

Task<json::object> delete_event(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto address, event_address_from(call.scope, input));
    const memory::EventId id(text_in(input, "eventId"));
    AC_CO_CHECK(co_await service.events().remove(call.scope, std::move(address), id));
    json::object out;
    out["eventId"] = id.text();
    co_return out;
}

Task<json::object> list_events(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto query, event_query_from(call.scope, input));
    AC_CO_TRY(const auto page, co_await service.events().list(call.scope, std::move(query)));
    co_return page_output(page, "events", event_output);
}

Task<json::object> list_sessions(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto id, memory_id_from(call.scope, input));
    const memory::ActorId actor(text_in(input, "actorId"));
    const auto* filter = input.if_contains("filter");
    const bool with_events = filter != nullptr && filter->is_object() &&
                             text_in(filter->get_object(), "eventFilter") == "HAS_EVENTS";
    AC_CO_TRY(const auto page,
              co_await service.events().sessions(call.scope, std::move(id), actor, with_events,
                                                 memory_page_from(input)));
    co_return page_output(page, "sessionSummaries", [&](const memory::SessionSummary& item) {
        json::object out;
        out["sessionId"] = item.session.text();
        out["actorId"] = actor.text();
        out["createdAt"] = to_epoch_ms(item.created_at);
        return out;
    });
}

Task<json::object> list_actors(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto id, memory_id_from(call.scope, input));
    AC_CO_TRY(const auto page,
              co_await service.events().actors(call.scope, std::move(id), memory_page_from(input)));
    co_return page_output(page, "actorSummaries", [](const memory::ActorId& item) {
        json::object out;
        out["actorId"] = item.text();
        return out;
    });
}

Task<json::object> ingest_data(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto content, ingested_from(call.scope, input));
    AC_CO_TRY(const auto session, co_await service.events().ingest(call.scope, std::move(content)));
    json::object out;
    out["sessionId"] = session.text();
    co_return out;
}

Task<json::object> list_jobs(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto id, memory_id_from(call.scope, input));
    memory::Events::JobFilter filter;
    if (const auto* given = input.if_contains("filter"); given != nullptr && given->is_object()) {
        filter.strategy = text_in(given->get_object(), "strategyId");
        filter.session = text_in(given->get_object(), "sessionId");
        filter.actor = text_in(given->get_object(), "actorId");
    }
    AC_CO_TRY(const auto page,
              co_await service.events().failed_jobs(call.scope, std::move(id), std::move(filter),
                                                    memory_page_from(input)));
    co_return page_output(page, "jobs", job_output);
}

Task<json::object> start_job(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto id, memory_id_from(call.scope, input));
    const auto job = text_in(input.at("extractionJob").as_object(), "jobId");
    AC_CO_CHECK(co_await service.events().restart_job(call.scope, std::move(id), job));
    json::object out;
    out["jobId"] = job;
    co_return out;
}

Task<json::object> create_records(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto id, memory_id_from(call.scope, input));
    auto token = idempotency_from(input);
    memory::Idempotency once{.token = std::move(token.token),
                             .parameters = std::move(token.parameters)};
    AC_CO_TRY(const auto expiry, record_expiry_from(input, ExpiryUse::create));
    AC_CO_TRY(const auto outcomes,
              co_await service.records().create(call.scope, std::move(id), new_records_from(input),
                                                expiry, std::move(once)));
    co_return batch_output(outcomes);
}

Task<json::object> update_records(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto id, memory_id_from(call.scope, input));
    AC_CO_TRY(const auto expiry, record_expiry_from(input, ExpiryUse::change));
    AC_CO_TRY(const auto outcomes,
              co_await service.records().update(call.scope, std::move(id),
                                                record_changes_from(input), expiry));
    co_return batch_output(outcomes);
}

Task<json::object> delete_records(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto id, memory_id_from(call.scope, input));
    std::vector<memory::RecordId> ids;
    for (const auto& item : input.at("records").as_array())
        ids.emplace_back(text_in(item.as_object(), "memoryRecordId"));
    AC_CO_TRY(const auto outcomes,
              co_await service.records().remove(call.scope, std::move(id), std::move(ids)));
    co_return batch_output(outcomes);
}

Task<json::object> delete_record(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto id, memory_id_from(call.scope, input));
    const memory::RecordId record(text_in(input, "memoryRecordId"));
    std::vector<memory::RecordId> ids(1, record);
    AC_CO_TRY(const auto outcomes,
              co_await service.records().remove(call.scope, std::move(id), std::move(ids)));
    if (outcomes.front().error) co_return fail(*outcomes.front().error);
    json::object out;
    out["memoryRecordId"] = record.text();
    co_return out;
}

Task<json::object> get_record(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto id, memory_id_from(call.scope, input));
    memory::RecordId wanted(text_in(input, "memoryRecordId"));
    AC_CO_TRY(const auto record,
              co_await service.records().get(call.scope, std::move(id), std::move(wanted)));
    co_return wrapped("memoryRecord", record_output(record));
}

Task<json::object> list_records(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto query, record_query_from(call.scope, input));
    AC_CO_TRY(const auto page, co_await service.records().list(call.scope, std::move(query)));
    co_return page_output(page, "memoryRecordSummaries", record_output);
}

Task<json::object> retrieve_records(MemoryService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto query, record_query_from(call.scope, input));
    AC_CO_TRY(const auto page, co_await service.records().retrieve(call.scope, std::move(query)));
    co_return page_output(page, "memoryRecordSummaries", [](const memory::FoundRecord& found) {
        auto out = record_output(found.record);
        out["score"] = found.score;
        return out;
    });
}

Task<> rebuild(MemoryService& service, CallContext call, json::object input,
               net::Exchange& exchange) {
    AC_CO_TRY(auto id, memory_id_from(call.scope, input));
    AC_CO_TRY(const auto done, co_await service.rebuild(call.scope, std::move(id)));
    json::object out;
    out["events"] = done.events;
    out["recordsRemoved"] = done.records;
    net::Response response{.status = 202, .headers = {}, .body = json::serialize(out)};
    response.headers.add("Content-Type", "application/json");
    co_return co_await exchange.respond(std::move(response));
}

// Tags of memories, for the operations that every resource shares.
class MemoryTags final : public TagOwner {
  public:
    explicit MemoryTags(MemoryService& service) : service_(service) {}

    bool owns(std::string_view arn) const override { return arn.find(kMemoryArnMark) != arn.npos; }
    Task<TagMap> tags(Scope scope, std::string arn) override {
        AC_CO_TRY(auto id, memory_id_of(scope, arn));
        co_return co_await service_.memories().tags(scope, std::move(id));
    }
    Task<> add_tags(Scope scope, std::string arn, TagMap tags) override {
        AC_CO_TRY(auto id, memory_id_of(scope, arn));
        co_return co_await service_.memories().add_tags(scope, std::move(id), std::move(tags));
    }
    Task<> remove_tags(Scope scope, std::string arn, std::vector<std::string> keys) override {
        AC_CO_TRY(auto id, memory_id_of(scope, arn));
        co_return co_await service_.memories().remove_tags(scope, std::move(id), std::move(keys));
    }

  private:
    MemoryService& service_;
};

}  // namespace

std::unique_ptr<TagOwner> make_memory_tags(MemoryService& service) {
    return std::make_unique<MemoryTags>(service);
}

void bind_memory(Api& api, MemoryService& service) {
    const auto bind = [&](std::string_view operation, auto handler) {
        api.bind(operation, [&service, handler](CallContext call, json::object input) {
            return handler(service, std::move(call), std::move(input));
        });
    };
    bind("CreateMemory", create_memory);
    bind("GetMemory", get_memory);
    bind("ListMemories", list_memories);
    bind("UpdateMemory", update_memory);
    bind("DeleteMemory", delete_memory);
    bind("CreateEvent", create_event);
    bind("GetEvent", get_event);
    bind("DeleteEvent", delete_event);
    bind("ListEvents", list_events);
    bind("ListSessions", list_sessions);
    bind("ListActors", list_actors);
    bind("IngestData", ingest_data);
    bind("ListMemoryExtractionJobs", list_jobs);
    bind("StartMemoryExtractionJob", start_job);
    bind("BatchCreateMemoryRecords", create_records);
    bind("BatchUpdateMemoryRecords", update_records);
    bind("BatchDeleteMemoryRecords", delete_records);
    bind("DeleteMemoryRecord", delete_record);
    bind("GetMemoryRecord", get_record);
    bind("ListMemoryRecords", list_records);
    bind("RetrieveMemoryRecords", retrieve_records);
    api.bind_extension(
        "POST", "/x/memories/{memoryId}/rebuild",
        [&service](CallContext call, json::object input, net::Exchange& exchange, net::Body&) {
            return rebuild(service, std::move(call), std::move(input), exchange);
        });
}

}  // namespace ac::wire
