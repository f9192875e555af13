#include "cli/net/memory_calls.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>

#include "base/encoding.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kPageItems = 100;
constexpr std::size_t kJobPageItems = 50;
// An event has up to 10 MB.
constexpr std::size_t kEventPageItems = 20;
constexpr std::size_t kEventPageBytesMax = 256 << 20;
constexpr std::size_t kIdTailLength = 11;  // "-" and ten characters

Call json_call(std::string method, std::string target, const json::object& input) {
    Call call{.method = std::move(method), .target = std::move(target)};
    call.headers.add("Content-Type", "application/json");
    call.body.text = json::serialize(input);
    return call;
}

std::string path_of(const std::string& memory, std::string_view rest) {
    return fmt::format("/memories/{}{}", percent_encode(memory), rest);
}

struct Listing {
    std::string target;
    std::string_view member;
    std::size_t page_items = kPageItems;
    std::size_t page_bytes_max = kDocumentBytesMax;
};

Expected<> each_item(AwsClient& client, const Listing& listing, json::object input,
                     std::size_t items_max, const EachItem& each) {
    std::size_t seen = 0;
    while (seen < items_max) {
        input["maxResults"] = std::min(listing.page_items, items_max - seen);
        auto call = json_call("POST", listing.target, input);
        call.answer_bytes_max = listing.page_bytes_max;
        AC_TRY(const auto page, client.document(std::move(call)));
        if (const auto* items = member_at(page, listing.member).if_array()) {
            for (const auto& item : *items) {
                AC_CHECK(each(item.as_object()));
                ++seen;
            }
        }
        const auto token = text_at(page, "nextToken");
        if (token.empty()) return {};
        input["nextToken"] = token;
    }
    return {};
}

std::string session_path(const std::string& memory, const std::string& actor) {
    return path_of(memory, fmt::format("/actor/{}/sessions", percent_encode(actor)));
}

}  // namespace

Expected<json::value> create_memory(AwsClient& client, const json::object& input) {
    return client.document(json_call("POST", "/memories/create", input));
}

Expected<json::value> get_memory(AwsClient& client, const std::string& id) {
    AC_TRY(const auto answer,
           client.document({.method = "GET", .target = path_of(id, "/details")}));
    return member_at(answer, "memory");
}

Expected<json::array> list_memories(AwsClient& client) {
    json::array all;
    AC_CHECK(each_item(client, {"/memories/", "memories"}, {}, kAllItems,
                       [&](const json::object& item) -> Expected<> {
                           all.emplace_back(item);
                           return {};
                       }));
    return all;
}

Expected<> delete_memory(AwsClient& client, const std::string& id) {
    auto answer = client.document({.method = "DELETE", .target = path_of(id, "/delete")});
    if (!answer) return std::unexpected(answer.error());
    return {};
}

Expected<json::value> find_memory(AwsClient& client, const std::string& id_or_name) {
    const auto dash = id_or_name.rfind('-');
    if (dash != std::string::npos && id_or_name.size() - dash == kIdTailLength) {
        auto found = get_memory(client, id_or_name);
        if (found || found.error().code != ExitCode::not_found) return found;
    }
    AC_TRY(const auto all, list_memories(client));
    for (const auto& memory : all) {
        const auto id = text_at(memory, "id");
        if (id.size() == id_or_name.size() + kIdTailLength && id.starts_with(id_or_name + "-"))
            return get_memory(client, id);
    }
    return failed(ExitCode::not_found, fmt::format("there is no memory {}", id_or_name),
                  "`agentcore memory list` shows those that are there.");
}

Expected<> each_actor(AwsClient& client, const std::string& memory, const EachItem& each) {
    return each_item(client, {path_of(memory, "/actors"), "actorSummaries"}, {}, kAllItems, each);
}

Expected<> each_session(AwsClient& client, const std::string& memory, const std::string& actor,
                        const EachItem& each) {
    return each_item(client, {session_path(memory, actor), "sessionSummaries"}, {}, kAllItems,
                     each);
}

Expected<> each_event(AwsClient& client, const SessionAddress& address, const json::object& filter,
                      std::size_t items_max, const EachItem& each) {
    json::object input;
    input["includePayloads"] = true;
    if (!filter.empty()) input["filter"] = filter;
    const auto target =
        session_path(address.memory, address.actor) + "/" + percent_encode(address.session);
    return each_item(client, {target, "events", kEventPageItems, kEventPageBytesMax},
                     std::move(input), items_max, each);
}

Expected<> each_record(AwsClient& client, const std::string& memory, json::object input,
                       std::size_t items_max, const EachItem& each) {
    return each_item(client, {path_of(memory, "/memoryRecords"), "memoryRecordSummaries"},
                     std::move(input), items_max, each);
}

Expected<> each_failed_job(AwsClient& client, const std::string& memory, const EachItem& each) {
    return each_item(client, {path_of(memory, "/extractionJobs"), "jobs", kJobPageItems}, {},
                     kAllItems, each);
}

Expected<json::value> search_records(AwsClient& client, const std::string& memory,
                                     const json::object& input) {
    return client.document(json_call("POST", path_of(memory, "/retrieve"), input));
}

Expected<json::value> create_event(AwsClient& client, const std::string& memory,
                                   const json::object& input) {
    return client.document(json_call("POST", path_of(memory, "/events"), input));
}

Expected<json::value> create_records(AwsClient& client, const std::string& memory,
                                     const json::object& input) {
    return client.document(json_call("POST", path_of(memory, "/memoryRecords/batchCreate"), input));
}

Expected<json::value> rebuild_memory(AwsClient& client, const std::string& memory) {
    return client.document({.method = "POST",
                            .target = "/x" + path_of(memory, "/rebuild"),
                            .timeout = Milliseconds(600'000)});
}

Expected<> start_extraction_job(AwsClient& client, const std::string& memory,
                                const std::string& job) {
    json::object input;
    input["extractionJob"] = json::object{{"jobId", job}};
    auto answer =
        client.document(json_call("POST", path_of(memory, "/extractionJobs/start"), input));
    if (!answer) return std::unexpected(answer.error());
    return {};
}

}  // namespace ac::cli
