#pragma once
// The agentcored of this user on this machine, which a command starts when none runs. Its data
// folder holds daemon.json {"endpoint", "pid"}, agentcored.log and cli.lock; the lock makes two
// commands that find no daemon start one.

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "cli/net/http_link.h"
#include "cli/world.h"

namespace ac::cli {

struct RunningDaemon {
    Url url;
    pid_t pid = 0;
};

class LocalDaemon final {
  public:
    // `world` outlives it.
    LocalDaemon(const World& world, std::filesystem::path data_dir)
        : world_(world), data_dir_(std::move(data_dir)) {}

    const std::filesystem::path& data_dir() const { return data_dir_; }
    std::filesystem::path log_file() const { return data_dir_ / "agentcored.log"; }

    // Recorded, alive and answering /healthz; nullopt otherwise.
    std::optional<RunningDaemon> find() const;
    // find(), or starts one and waits until it is ready. `started` tells which.
    Expected<RunningDaemon> ensure(bool& started) const;
    // Asks it to end and waits until it has. False when none ran.
    Expected<bool> stop() const;

    // Beside our own program, then in PATH; not_found with how to get it.
    Expected<std::filesystem::path> program() const;

  private:
    std::optional<RunningDaemon> recorded() const;
    bool is_alive(const RunningDaemon& daemon) const;
    bool answers(const Url& url) const;
    Expected<RunningDaemon> start() const;
    Expected<Url> wait_until_ready(pid_t pid, std::uint64_t log_offset) const;

    const World& world_;
    std::filesystem::path data_dir_;
};

// --data-dir, AGENTCORE_DATA_DIR, else agentcore below XDG_DATA_HOME or ~/.local/share.
Expected<std::filesystem::path> data_dir_of(const World& world, const std::string& option);

}  // namespace ac::cli
