#pragma once
// Reads the logs of an endpoint's sessions: the newest lines of all of them in order of time, then,
// when asked, what is added, as it is added.

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "async/signal.h"
#include "async/thread_pool.h"
#include "async/timer.h"
#include "runtime/runtime_service.h"
#include "runtime/session_log.h"

namespace ac::runtime {

// Follows the files of one folder. Blocking: for the thread pool.
class LogFollower final {
  public:
    // `session` empty: of all sessions.
    LogFollower(std::filesystem::path folder, std::string session);

    // The newest `count` lines; what is added later comes from added().
    std::vector<LogLine> newest(std::size_t count);
    std::vector<LogLine> added();

  private:
    struct Place {
        std::uint64_t inode = 0;
        std::uint64_t offset = 0;
    };
    void read(const std::filesystem::path& file, Place& place, std::vector<LogLine>& out);
    std::vector<std::filesystem::path> files() const;

    const std::filesystem::path folder_;
    const std::string session_;
    std::map<std::string, Place> places_;  // by file name
};

// Ends what follows when `ending` is raised.
Task<> follow_logs(std::filesystem::path folder, LogQuery query, ThreadPool& pool, Timer& timer,
                   const Signal& ending, LogSink sink);

}  // namespace ac::runtime
