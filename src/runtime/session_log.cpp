#include "runtime/session_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/result.h"
#include "crypto/hash.h"

namespace ac::runtime {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOwnerMark = "# session ";
constexpr std::size_t kWaitingBytesMax = 64 * 1024;  // of output before there is a session
constexpr std::size_t kTailLines = 12;
constexpr std::size_t kTailLineBytes = 300;

char letter_of(Stream stream) {
    return stream == Stream::standard_output ? 'o' : stream == Stream::standard_error ? 'e' : 'p';
}

std::optional<Stream> stream_of(char letter) {
    if (letter == 'o') return Stream::standard_output;
    if (letter == 'e') return Stream::standard_error;
    if (letter == 'p') return Stream::platform;
    return std::nullopt;
}

// Session ids are the caller's: up to 256 characters of anything.
std::string file_name(const SessionId& session) {
    constexpr std::size_t kDigits = 32;
    return sha256_hex(session.text()).substr(0, kDigits) + ".log";
}

}  // namespace

std::string_view to_string(Stream stream) {
    return stream == Stream::standard_output  ? "stdout"
           : stream == Stream::standard_error ? "stderr"
                                              : "platform";
}

std::vector<std::string> LineSplitter::feed(std::string_view bytes) {
    std::vector<std::string> lines;
    while (!bytes.empty()) {
        const auto end = std::min(bytes.find('\n'), bytes.size());
        const std::size_t taken = std::min(end, max_ - partial_.size());
        partial_ += bytes.substr(0, taken);
        bytes.remove_prefix(taken);
        const bool ended = !bytes.empty() && bytes.front() == '\n';
        if (ended) bytes.remove_prefix(1);
        if (!ended && partial_.size() < max_) break;
        if (ended && partial_.ends_with('\r')) partial_.pop_back();
        lines.push_back(std::move(partial_));
        partial_.clear();
    }
    return lines;
}

std::optional<std::string> LineSplitter::rest() {
    if (partial_.empty()) return std::nullopt;
    return std::exchange(partial_, {});
}

std::string encode_record(const LogRecord& record) {
    std::string line = std::to_string(to_epoch_ms(record.time));
    line += ' ';
    line += letter_of(record.stream);
    line += ' ';
    line += record.line;
    line += '\n';
    return line;
}

std::optional<LogRecord> decode_record(std::string_view line) {
    std::int64_t ms = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), ms);
    if (error != std::errc()) return std::nullopt;
    line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    if (line.size() < 3 || line[0] != ' ' || line[2] != ' ') return std::nullopt;
    const auto stream = stream_of(line[1]);
    if (!stream) return std::nullopt;
    return LogRecord{from_epoch_ms(ms), *stream, std::string(line.substr(3))};
}

std::string encode_log_owner(std::string_view session) {
    return std::string(kOwnerMark) + std::string(session) + '\n';
}

std::optional<std::string> decode_log_owner(std::string_view line) {
    if (!line.starts_with(kOwnerMark)) return std::nullopt;
    return std::string(line.substr(kOwnerMark.size()));
}

fs::path log_folder(const fs::path& folder, const RuntimeId& runtime, std::string_view endpoint) {
    return folder / "logs" / runtime.text() / endpoint;
}

void SessionLog::open(const fs::path& folder, const SessionId& session) {
    AC_ASSERT(path_.empty());
    session_ = session.text();
    path_ = folder / file_name(session);
    std::error_code error;
    fs::create_directories(folder, error);
    open_file(O_APPEND);
    const auto waiting = std::exchange(waiting_, {});
    for (const LogRecord& record : waiting) write(record);
    if (lost_ == 0) return;
    write({waiting.back().time, Stream::platform,
           std::to_string(lost_) + " lines that came before the session were not kept"});
}

void SessionLog::open_file(int extra_flags) {
    file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | extra_flags, 0600));
    struct stat status{};
    written_ = file_ && ::fstat(file_.get(), &status) == 0
                   ? static_cast<std::uint64_t>(status.st_size)
                   : 0;
    if (!file_ || written_ > 0) return;
    const std::string owner = encode_log_owner(session_);
    if (::write(file_.get(), owner.data(), owner.size()) > 0) written_ = owner.size();
}

void SessionLog::turn_over() {
    fs::path before = path_;
    before += ".1";
    std::error_code error;
    fs::rename(path_, before, error);
    open_file(O_TRUNC);
}

void SessionLog::add(WallTime now, Stream stream, std::string line) {
    newest_.push_back(line.substr(0, kTailLineBytes));
    if (newest_.size() > kTailLines) newest_.pop_front();
    const LogRecord record{now, stream, std::move(line)};
    if (path_.empty())
        keep(record);
    else
        write(record);
}

// The first lines tell how an agent started.
void SessionLog::keep(const LogRecord& record) {
    waiting_bytes_ += record.line.size() + sizeof record;
    if (waiting_bytes_ > kWaitingBytesMax)
        ++lost_;
    else
        waiting_.push_back(record);
}

void SessionLog::write(const LogRecord& entry) {
    const std::string record = encode_record(entry);
    if (written_ + record.size() > limits_.log_bytes_max) turn_over();
    if (!file_) return;
    const ssize_t size = ::write(file_.get(), record.data(), record.size());
    if (size > 0) written_ += static_cast<std::uint64_t>(size);
}

std::string SessionLog::tail() const {
    std::string text;
    for (const std::string& line : newest_) text += line + '\n';
    return text;
}

void prune_logs(const fs::path& folder, std::size_t files_max) {
    std::error_code error;
    std::vector<std::pair<fs::file_time_type, fs::path>> files;
    for (const auto& entry : fs::directory_iterator(folder, error))
        if (entry.path().extension() == ".log")
            files.emplace_back(entry.last_write_time(error), entry.path());
    if (files.size() < files_max) return;
    std::ranges::sort(files);
    for (std::size_t i = 0; i + files_max <= files.size(); ++i) {
        fs::path before = files[i].second;
        before += ".1";
        fs::remove(files[i].second, error);
        fs::remove(before, error);
    }
}

}  // namespace ac::runtime
