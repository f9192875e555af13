#include "runtime/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/storable_text.h"

namespace ac::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadBytesMax = 1 << 20;  // of one file at one look
constexpr Milliseconds kLook{200};

// Complete lines only; what is being written comes with the next look.
std::string read_from(int fd, std::uint64_t offset) {
    std::string text(kReadBytesMax, '\0');
    const ssize_t size = ::pread(fd, text.data(), text.size(), static_cast<off_t>(offset));
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    text.resize(text.rfind('\n') + 1);  // npos + 1 is 0
    return text;
}

std::optional<std::string> owner_of(int fd) {
    constexpr std::size_t kOwnerBytesMax = 1200;  // 256 characters of four bytes, and the mark
    std::string head(kOwnerBytesMax, '\0');
    const ssize_t size = ::pread(fd, head.data(), head.size(), 0);
    head.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return decode_log_owner(head.substr(0, head.find('\n')));
}

// Stable: lines of one millisecond stay in the order in which they were written.
void sort_by_time(std::vector<LogLine>& lines) {
    std::vector<std::pair<WallTime, std::size_t>> order;
    for (std::size_t i = 0; i < lines.size(); ++i) order.emplace_back(lines[i].time, i);
    std::ranges::sort(order);
    std::vector<LogLine> sorted;
    for (const auto& [time, index] : order) sorted.push_back(std::move(lines[index]));
    lines = std::move(sorted);
}

}  // namespace

LogFollower::LogFollower(fs::path folder, std::string session)
    : folder_(std::move(folder)), session_(std::move(session)) {}

std::vector<fs::path> LogFollower::files() const {
    std::vector<fs::path> out;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error))
        if (entry.path().extension() == ".log") out.push_back(entry.path());
    return out;
}

// Turned over since the last look: the rest of the old file first, then the new one.
void LogFollower::read(const fs::path& file, Place& place, std::vector<LogLine>& out) {
    const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status{};
    if (!fd || ::fstat(fd.get(), &status) != 0) return;
    const auto owner = owner_of(fd.get());
    if (!owner || (!session_.empty() && *owner != session_)) return;
    if (place.inode != 0 && place.inode != status.st_ino) {
        fs::path before = file;
        before += ".1";
        Place old = place;
        place = {};
        const UniqueFd old_fd(::open(before.c_str(), O_RDONLY | O_CLOEXEC));
        struct stat old_status{};
        if (old_fd && ::fstat(old_fd.get(), &old_status) == 0 && old_status.st_ino == old.inode)
            read(before, old, out);
    }
    place.inode = status.st_ino;
    const std::string text = read_from(fd.get(), place.offset);
    place.offset += text.size();
    for (std::size_t from = 0; from < text.size();) {
        const auto end = text.find('\n', from);
        const auto record = decode_record(std::string_view(text).substr(from, end - from));
        from = end + 1;
        if (!record) continue;
        out.push_back({record->time, to_storable_text(*owner),
                       std::string(to_string(record->stream)), to_storable_text(record->line)});
    }
}

std::vector<LogLine> LogFollower::newest(std::size_t count) {
    std::vector<LogLine> lines;
    for (const fs::path& file : files()) {
        fs::path before = file;
        before += ".1";
        Place whole;
        read(before, whole, lines);
        Place& place = places_[file.filename()];
        std::uint64_t last = 0;
        do {  // the file is longer than one look may read
            last = place.offset;
            read(file, place, lines);
        } while (place.offset > last);
        sort_by_time(lines);
        if (lines.size() > count)
            lines.erase(lines.begin(), lines.end() - static_cast<long>(count));
    }
    return lines;
}

std::vector<LogLine> LogFollower::added() {
    std::vector<LogLine> lines;
    for (const fs::path& file : files()) read(file, places_[file.filename()], lines);
    sort_by_time(lines);
    return lines;
}

Task<> follow_logs(fs::path folder, LogQuery query, ThreadPool& pool, Timer& timer,
                   const Signal& ending, LogSink sink) {
    const auto follower = std::make_shared<LogFollower>(std::move(folder), query.session);
    auto first = [follower, count = query.tail]() -> Result<std::vector<LogLine>> {
        return follower->newest(count);
    };
    AC_CO_TRY(auto lines, co_await pool.run(first));
    AC_CO_CHECK(co_await sink(std::move(lines)));
    while (query.follow && !ending.raised()) {
        if (!co_await sleep_for(timer, kLook)) break;
        auto more = [follower]() -> Result<std::vector<LogLine>> { return follower->added(); };
        AC_CO_TRY(auto added, co_await pool.run(more));
        if (added.empty()) continue;
        AC_CO_CHECK(co_await sink(std::move(added)));
    }
    co_return Result<>{};
}

}  // namespace ac::runtime
