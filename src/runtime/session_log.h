#pragma once
// What the agent of one session wrote, on disk, bounded: a file of at most log_bytes_max, and the
// one before it. Format: docs/formats/session-log.md. One loop only.

#include <array>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "runtime/limits.h"
#include "runtime/types.h"

namespace ac::runtime {

enum class Stream { standard_output, standard_error, platform };
std::string_view to_string(Stream stream);  // "stdout"

// Cuts bytes into lines; a line longer than the bound is split.
class LineSplitter final {
  public:
    explicit LineSplitter(std::size_t line_bytes_max) : max_(line_bytes_max) {}
    std::vector<std::string> feed(std::string_view bytes);
    // What came after the last line end.
    std::optional<std::string> rest();

  private:
    std::size_t max_;
    std::string partial_;
};

struct LogRecord {
    WallTime time;
    Stream stream = Stream::standard_output;
    std::string line;
};

std::string encode_record(const LogRecord& record);  // with its line end
std::optional<LogRecord> decode_record(std::string_view line);

// Folder of all sessions of one endpoint, below the service's.
std::filesystem::path log_folder(const std::filesystem::path& folder, const RuntimeId& runtime,
                                 std::string_view endpoint);
// First line of a file: whose it is.
std::string encode_log_owner(std::string_view session);
std::optional<std::string> decode_log_owner(std::string_view line);

class SessionLog final {
  public:
    // Of an agent that has no session yet: what it writes is kept in memory until open().
    explicit SessionLog(const RuntimeLimits& limits) : limits_(limits) {}
    // A log that cannot be written (disk full) is dropped silently but for its tail: a full disk
    // must not end sessions.
    SessionLog(std::filesystem::path folder, const SessionId& session, const RuntimeLimits& limits)
        : SessionLog(limits) {
        open(std::move(folder), session);
    }

    // Once.
    void open(const std::filesystem::path& folder, const SessionId& session);
    void add(WallTime now, Stream stream, std::string line);
    // The newest lines, for error messages.
    std::string tail() const;

  private:
    void open_file(int extra_flags);
    void turn_over();
    void keep(const LogRecord& record);
    void write(const LogRecord& record);

    const RuntimeLimits& limits_;
    std::string session_;
    std::filesystem::path path_;      // empty: not open yet
    std::vector<LogRecord> waiting_;  // until then
    std::size_t waiting_bytes_ = 0;
    std::size_t lost_ = 0;  // lines that were too many to keep
    UniqueFd file_;
    std::uint64_t written_ = 0;
    std::deque<std::string> newest_;
};

// Removes the oldest logs of `folder` until fewer than `files_max` are left. Blocking.
void prune_logs(const std::filesystem::path& folder, std::size_t files_max);

}  // namespace ac::runtime
