#include "cli/command/memory_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <vector>

#include "cli/net/aws_client.h"
#include "crypto/hash.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

// Deeper than what the API takes.
constexpr std::size_t kDepthMax = 200;

std::string line_of(std::string_view kind, const json::value& document) {
    json::object line;
    line["kind"] = kind;
    if (kind == "memory") line["format"] = kExportFormat;
    line[kind] = document;
    return json::serialize(line) + "\n";
}

// Members in order of their names, so that equal documents have equal texts.
json::value canonical(const json::value& value) {
    if (const auto* list = value.if_array()) {
        json::array out;
        for (const auto& item : *list) out.push_back(canonical(item));
        return out;
    }
    const auto* object = value.if_object();
    if (object == nullptr) return value;
    std::vector<std::string_view> names;
    for (const auto& member : *object) names.emplace_back(member.key());
    std::ranges::sort(names);
    json::object out;
    for (const auto name : names) out[name] = canonical(object->at(name));
    return out;
}

std::int64_t ms_at(const json::object& object, std::string_view member) {
    const auto* value = object.if_contains(member);
    if (value == nullptr || !value->is_number()) return 0;
    return static_cast<std::int64_t>(std::llround(value->to_number<double>() * 1000));
}

json::value part(const json::object& object, std::string_view member) {
    const auto* value = object.if_contains(member);
    return value == nullptr ? json::value() : canonical(*value);
}

std::string digest(const json::array& parts) {
    return sha256_hex(json::serialize(parts));
}

void copy(const json::object& from, std::string_view member, json::object& to,
          std::string_view as = {}) {
    if (const auto* value = from.if_contains(member)) to[as.empty() ? member : as] = *value;
}

std::unexpected<Failure> not_an_export(std::string why) {
    return failed(ExitCode::usage, "not a line of an exported memory: " + why,
                  "`agentcore memory export` writes such files.");
}

}  // namespace

std::string memory_line(const json::value& memory) {
    return line_of("memory", memory);
}
std::string event_line(const json::object& event) {
    return line_of("event", event);
}
std::string record_line(const json::object& record) {
    return line_of("record", record);
}

Expected<TransferLine> parse_transfer_line(std::string_view line) {
    boost::system::error_code error;
    json::parse_options options;
    options.max_depth = kDepthMax;
    const auto parsed = json::parse(line, error, {}, options);
    if (error) return not_an_export(error.message());
    const auto kind = text_at(parsed, "kind");
    const auto* document = member_at(parsed, kind).if_object();
    if (document == nullptr) return not_an_export("no kind, or nothing of that kind");
    if (kind == "event") return TransferLine{LineKind::event, *document};
    if (kind == "record") return TransferLine{LineKind::record, *document};
    if (kind != "memory") return not_an_export("unknown kind");
    const auto* format = member_at(parsed, "format").if_int64();
    if (format == nullptr || *format != kExportFormat)
        return not_an_export("a format of another version");
    return TransferLine{LineKind::memory, *document};
}

std::string event_identity(const json::object& event) {
    return digest({part(event, "actorId"), part(event, "sessionId"), ms_at(event, "eventTimestamp"),
                   part(event, "payload"), part(event, "metadata"),
                   text_at(part(event, "branch"), "name")});
}

std::string record_identity(const json::object& record) {
    return digest({part(record, "content"), part(record, "namespaces"), ms_at(record, "createdAt"),
                   part(record, "metadata")});
}

StrategyNames::StrategyNames(const json::value& exported, const json::value& target) {
    const auto* from = member_at(exported, "strategies").if_array();
    const auto* to = member_at(target, "strategies").if_array();
    if (from == nullptr || to == nullptr) return;
    for (const auto& strategy : *from)
        for (const auto& candidate : *to)
            if (text_at(strategy, "name") == text_at(candidate, "name"))
                ids_[text_at(strategy, "strategyId")] = text_at(candidate, "strategyId");
}

std::string StrategyNames::id_for(const std::string& exported_id) const {
    const auto found = ids_.find(exported_id);
    return found == ids_.end() ? std::string() : found->second;
}

std::string StrategyNames::namespace_for(std::string space) const {
    for (const auto& [from, to] : ids_) {
        const auto at = space.find(from);
        if (!from.empty() && at != std::string::npos) space.replace(at, from.size(), to);
    }
    return space;
}

json::object event_input(const json::object& event) {
    json::object out;
    for (const std::string_view member :
         {"actorId", "sessionId", "eventTimestamp", "payload", "metadata"})
        copy(event, member, out);
    return out;
}

json::object record_input(const json::object& record, const StrategyNames& names) {
    json::object out;
    copy(record, "content", out);
    copy(record, "metadata", out);
    copy(record, "createdAt", out, "timestamp");
    json::array spaces;
    if (const auto* given = record.if_contains("namespaces"); given != nullptr && given->is_array())
        for (const auto& space : given->get_array())
            if (space.is_string())
                spaces.emplace_back(names.namespace_for(std::string(space.get_string())));
    out["namespaces"] = std::move(spaces);
    const auto strategy = names.id_for(text_at(record, "memoryStrategyId"));
    if (!strategy.empty()) out["memoryStrategyId"] = strategy;
    return out;
}

}  // namespace ac::cli
