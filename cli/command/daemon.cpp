#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/command/commands.h"
#include "cli/daemon/local_daemon.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

void print(const Context& context, const LocalDaemon& daemon,
           const std::optional<RunningDaemon>& running, std::string_view text) {
    if (!context.common.json) {
        context.console().out(fmt::format("{}\n", text));
        return;
    }
    json::object out = {{"running", running.has_value()},
                        {"dataDir", daemon.data_dir().string()},
                        {"log", daemon.log_file().string()}};
    if (running) {
        out["endpoint"] = running->url.text();
        out["pid"] = running->pid;
    }
    context.console().out(json::serialize(out) + "\n");
}

}  // namespace

Expected<> run(const Context& context, const DaemonOptions& options) {
    AC_TRY(auto data_dir, data_dir_of(context.world, context.common.data_dir));
    const LocalDaemon daemon(context.world, std::move(data_dir));
    if (options.action == DaemonAction::stop) {
        AC_TRY(const bool stopped, daemon.stop());
        print(context, daemon, std::nullopt,
              stopped ? "Stopped the local daemon." : "No local daemon runs.");
        return {};
    }
    if (options.action == DaemonAction::start) {
        bool started = false;
        AC_TRY(const auto running, daemon.ensure(started));
        print(context, daemon, running,
              fmt::format("{} on {} (pid {}, data in {}).",
                          started ? "Started the local daemon" : "The local daemon runs already",
                          running.url.text(), running.pid, daemon.data_dir().string()));
        return {};
    }
    const auto running = daemon.find();
    if (running) {
        print(context, daemon, running,
              fmt::format("The local daemon runs on {} (pid {}, data in {}).", running->url.text(),
                          running->pid, daemon.data_dir().string()));
        return {};
    }
    return failed(ExitCode::unreachable,
                  fmt::format("no local daemon runs (data in {})", daemon.data_dir().string()),
                  "Start it with: agentcore daemon start");
}

}  // namespace ac::cli
