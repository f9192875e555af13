#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <fstream>
#include <functional>
#include <unordered_map>

#include "cli/command/commands.h"
#include "cli/command/connection.h"
#include "cli/command/memory_transfer.h"
#include "cli/net/memory_calls.h"
#include "crypto/hash.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kRecordBatch = 100;
constexpr std::size_t kLinesAReport = 1000;

struct Counts {
    std::size_t stored = 0;
    std::size_t present = 0;

    json::object document() const { return {{"stored", stored}, {"present", present}}; }
};

// Stores what is not there yet. Events keep their order; their ids become new ones, so the roots of
// branches are looked up. What an interrupted import stored is found again by a later one.
class Import final {
  public:
    Import(AwsClient& client, const json::value& target, bool extract)
        : client_(client), target_(target), memory_(text_at(target, "id")), extract_(extract) {}

    Expected<> take(TransferLine line) {
        switch (line.kind) {
            case LineKind::memory:
                AC_CHECK(finish());
                names_ = StrategyNames(line.document, target_);
                source_ = text_at(line.document, "id");
                return {};
            case LineKind::event:
                return take_event(std::move(line.document));
            case LineKind::record:
                return extract_ ? Expected<>() : take_record(std::move(line.document));
        }
        return {};
    }

    Expected<> finish() {
        AC_CHECK(finish_session());
        return store_records();
    }

    const Counts& events() const { return events_; }
    const Counts& records() const { return records_; }

  private:
    using Ids = std::unordered_map<std::string, std::vector<std::string>>;

    Expected<> take_event(json::object event) {
        const auto actor = text_at(event, "actorId");
        const auto session = text_at(event, "sessionId");
        if (actor.empty() || session.empty())
            return failed(ExitCode::usage, "an event without actorId or sessionId");
        if (actor != address_.actor || session != address_.session) {
            AC_CHECK(finish_session());
            address_ = {memory_, actor, session};
        }
        waiting_.push_back(std::move(event));
        return {};
    }

    // By identity, the ids of the events that the target's session has; the oldest last.
    Expected<Ids> known_events() {
        Ids known;
        AC_CHECK(each_event(client_, address_, {}, kAllItems,
                            [&](const json::object& event) -> Expected<> {
                                known[event_identity(event)].push_back(text_at(event, "eventId"));
                                return {};
                            }));
        return known;
    }

    Expected<> finish_session() {
        if (waiting_.empty()) return {};
        AC_TRY(auto known, known_events());
        std::unordered_map<std::string, std::string> new_ids;
        while (!waiting_.empty()) {
            std::vector<json::object> later;  // their roots are not stored yet
            for (auto& event : waiting_) {
                const auto root =
                    text_at(event.contains("branch") ? event.at("branch") : nullptr, "rootEventId");
                if (!root.empty() && !new_ids.contains(root)) {
                    later.push_back(std::move(event));
                    continue;
                }
                AC_TRY(auto id, store_event(event, known, root.empty() ? "" : new_ids.at(root)));
                new_ids[text_at(event, "eventId")] = std::move(id);
            }
            if (later.size() == waiting_.size())
                return failed(ExitCode::usage,
                              fmt::format("session {}: a branch's root event is not in the file",
                                          address_.session));
            waiting_ = std::move(later);
        }
        return {};
    }

    Expected<std::string> store_event(const json::object& event, Ids& known,
                                      const std::string& root) {
        const auto found = known.find(event_identity(event));
        if (found != known.end() && !found->second.empty()) {
            auto id = std::move(found->second.back());
            found->second.pop_back();
            ++events_.present;
            return id;
        }
        auto input = event_input(event);
        input["clientToken"] =
            "import-" + sha256_hex(source_ + "\n" + memory_ + "\n" + text_at(event, "eventId"));
        if (!extract_) input["extractionMode"] = "SKIP";
        if (!root.empty())
            input["branch"] =
                json::object{{"name", text_at(event.at("branch"), "name")}, {"rootEventId", root}};
        AC_TRY(const auto stored, create_event(client_, memory_, input));
        ++events_.stored;
        return text_at(member_at(stored, "event"), "eventId");
    }

    Expected<> take_record(json::object record) {
        if (!knows_records_) AC_CHECK(read_records());
        auto input = record_input(record, names_);
        auto as_stored = record;
        as_stored["namespaces"] = input.at("namespaces");
        const auto known = known_records_.find(record_identity(as_stored));
        if (known != known_records_.end() && known->second > 0) {
            --known->second;
            ++records_.present;
            return {};
        }
        input["requestIdentifier"] = fmt::format("r{}", batch_.size());
        batch_.emplace_back(std::move(input));
        return batch_.size() < kRecordBatch ? Expected<>() : store_records();
    }

    Expected<> read_records() {
        json::object everywhere;
        everywhere["namespacePath"] = "/";
        knows_records_ = true;
        return each_record(client_, memory_, std::move(everywhere), kAllItems,
                           [this](const json::object& record) -> Expected<> {
                               ++known_records_[record_identity(record)];
                               return {};
                           });
    }

    Expected<> store_records() {
        if (batch_.empty()) return {};
        json::object input;
        input["records"] = std::exchange(batch_, {});
        AC_TRY(const auto stored, create_records(client_, memory_, input));
        if (const auto* bad = member_at(stored, "failedRecords").if_array();
            bad != nullptr && !bad->empty())
            return failed(ExitCode::failed,
                          "a record was refused: " + text_at(bad->front(), "errorMessage"));
        if (const auto* good = member_at(stored, "successfulRecords").if_array())
            records_.stored += good->size();
        return {};
    }

    AwsClient& client_;
    const json::value& target_;
    const std::string memory_;
    const bool extract_;
    StrategyNames names_;
    std::string source_;
    SessionAddress address_;
    std::vector<json::object> waiting_;  // of the session at address_
    json::array batch_;
    bool knows_records_ = false;
    std::unordered_map<std::string, int> known_records_;
    Counts events_;
    Counts records_;
};

class Source final {
  public:
    Source(Console& console, const std::string& input) : console_(console) {
        if (input == "-") return;
        file_.open(input, std::ios::binary | std::ios::ate);
        bytes_ = file_ ? static_cast<std::int64_t>(file_.tellg()) : 0;
        file_.seekg(0);
        from_file_ = true;
    }

    bool is_open() const { return !from_file_ || file_.is_open(); }

    std::optional<std::string> next() {
        if (!from_file_) return console_.read_line();
        std::string line;
        if (!std::getline(file_, line)) return std::nullopt;
        read_ += static_cast<std::int64_t>(line.size()) + 1;
        return line;
    }

    std::string progress() const {
        return bytes_ > 0 ? fmt::format("{} %", std::min<std::int64_t>(100, read_ * 100 / bytes_))
                          : "";
    }

  private:
    Console& console_;
    std::ifstream file_;
    bool from_file_ = false;
    std::int64_t bytes_ = 0;
    std::int64_t read_ = 0;
};

// In place on a terminal, else a line now and then.
void report(Console& console, const Source& source, std::size_t lines, bool is_last) {
    if (!is_last && lines % (console.err_is_terminal() ? kLinesAReport / 10 : kLinesAReport) != 0)
        return;
    const auto text = fmt::format("{} lines {}", lines, source.progress());
    console.err(console.err_is_terminal() ? "\r" + text + (is_last ? "\n" : "") : text + "\n");
}

}  // namespace

Expected<> run(const Context& context, const MemoryImportOptions& options) {
    Console& console = context.console();
    Source source(console, options.input);
    if (!source.is_open()) return failed(ExitCode::not_found, "cannot read " + options.input);
    AC_TRY(const auto connection, connect(context.world, context.common, options.region));
    AC_TRY(const auto memory, find_memory(*connection.client, options.memory));
    Import work(*connection.client, memory, options.extract);
    std::size_t lines = 0;
    while (const auto line = source.next()) {
        ++lines;
        if (line->empty()) continue;
        auto parsed = parse_transfer_line(*line);
        if (!parsed)
            return failed(parsed.error().code,
                          fmt::format("line {}: {}", lines, parsed.error().message),
                          parsed.error().next_step);
        AC_CHECK(work.take(*std::move(parsed)));
        report(console, source, lines, false);
    }
    AC_CHECK(work.finish());
    report(console, source, lines, true);
    if (context.common.json)
        console.out(json::serialize(json::object{{"memoryId", text_at(memory, "id")},
                                                 {"events", work.events().document()},
                                                 {"records", work.records().document()}}) +
                    "\n");
    else
        console.out(
            fmt::format("Stored {} events and {} records; {} events and {} records were there.\n",
                        work.events().stored, work.records().stored, work.events().present,
                        work.records().present));
    return {};
}

}  // namespace ac::cli
