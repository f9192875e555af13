#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <filesystem>
#include <fstream>

#include "cli/command/commands.h"
#include "cli/command/connection.h"
#include "cli/command/memory_transfer.h"
#include "cli/net/memory_calls.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

// Where the lines go. A file has its name once it is complete.
class Sink final {
  public:
    Sink(Console& console, const std::string& output) : console_(console), output_(output) {
        if (to_file()) file_.open(partial(), std::ios::binary | std::ios::trunc);
    }
    ~Sink() {
        std::error_code error;
        if (to_file() && !is_complete_) std::filesystem::remove(partial(), error);
    }
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;

    bool to_file() const { return output_ != "-"; }

    Expected<> write(const std::string& line) {
        if (!to_file()) {
            console_.out(line);
            return {};
        }
        if (!file_.write(line.data(), static_cast<std::streamsize>(line.size())))
            return failed(ExitCode::failed, "cannot write " + output_);
        return {};
    }

    Expected<> finish() {
        if (!to_file()) return {};
        file_.close();
        std::error_code error;
        if (file_) std::filesystem::rename(partial(), output_, error);
        if (!file_ || error) return failed(ExitCode::failed, "cannot write " + output_);
        is_complete_ = true;
        return {};
    }

  private:
    std::string partial() const { return output_ + ".partial"; }

    Console& console_;
    const std::string& output_;
    std::ofstream file_;
    bool is_complete_ = false;
};

class Export final {
  public:
    Export(AwsClient& client, std::string memory, Sink& sink)
        : client_(client), memory_(std::move(memory)), sink_(sink) {}

    Expected<> run(const json::value& memory) {
        AC_CHECK(sink_.write(memory_line(memory)));
        AC_CHECK(each_actor(client_, memory_, [this](const json::object& actor) {
            return write_actor(text_at(actor, "actorId"));
        }));
        json::object everywhere;
        everywhere["namespacePath"] = "/";
        AC_CHECK(each_record(client_, memory_, std::move(everywhere), kAllItems,
                             [this](const json::object& record) {
                                 ++records_;
                                 return sink_.write(record_line(record));
                             }));
        return sink_.finish();
    }

    std::size_t events() const { return events_; }
    std::size_t records() const { return records_; }

  private:
    Expected<> write_actor(const std::string& actor) {
        return each_session(client_, memory_, actor, [&](const json::object& session) {
            return write_session({memory_, actor, text_at(session, "sessionId")});
        });
    }

    // Oldest first, so that an import stores them in the order in which they came.
    Expected<> write_session(const SessionAddress& address) {
        std::vector<std::string> lines;
        AC_CHECK(each_event(client_, address, {}, kAllItems,
                            [&](const json::object& event) -> Expected<> {
                                lines.push_back(event_line(event));
                                return {};
                            }));
        for (auto line = lines.rbegin(); line != lines.rend(); ++line) AC_CHECK(sink_.write(*line));
        events_ += lines.size();
        return {};
    }

    AwsClient& client_;
    const std::string memory_;
    Sink& sink_;
    std::size_t events_ = 0;
    std::size_t records_ = 0;
};

}  // namespace

Expected<> run(const Context& context, const MemoryExportOptions& options) {
    AC_TRY(const auto connection, connect(context.world, context.common, options.region));
    AC_TRY(const auto memory, find_memory(*connection.client, options.memory));
    const auto id = text_at(memory, "id");
    Sink sink(context.console(), options.output);
    Export work(*connection.client, id, sink);
    AC_CHECK(work.run(memory));
    context.console().err(
        fmt::format("Exported {} events and {} records.\n", work.events(), work.records()));
    if (context.common.json && sink.to_file())
        context.console().out(json::serialize(json::object{{"memoryId", id},
                                                           {"file", options.output},
                                                           {"events", work.events()},
                                                           {"records", work.records()}}) +
                              "\n");
    return {};
}

}  // namespace ac::cli
