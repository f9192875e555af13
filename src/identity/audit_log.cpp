#include "identity/audit_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <fstream>

#include "base/log.h"
#include "base/time_text.h"
#include "crypto/hash.h"

namespace ac::identity {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "identity-";
constexpr std::string_view kSuffix = ".jsonl";
constexpr std::string_view kChainMember = R"(,"chain":")";
constexpr std::size_t kChainLength = 32;  // hex digits of a SHA-256
constexpr std::size_t kGroupMax = 4096;

fs::path segment_path(const fs::path& folder, std::uint64_t number) {
    return folder / fmt::format("{}{:08}{}", kPrefix, number, kSuffix);
}

std::vector<fs::path> segments(const fs::path& folder) {
    std::vector<fs::path> out;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with(kPrefix) && name.ends_with(kSuffix)) out.push_back(entry.path());
    }
    std::ranges::sort(out);
    return out;
}

std::uint64_t number_of(const fs::path& path) {
    return std::stoull(path.filename().string().substr(kPrefix.size()));
}

std::string link(std::string_view before, std::string_view text) {
    return sha256_hex(std::string(before) + std::string(text)).substr(0, kChainLength);
}

// The chain value of a complete line; empty when there is none.
std::string_view chain_of(std::string_view line) {
    const std::size_t tail = kChainMember.size() + kChainLength + 2;
    if (line.size() < tail) return {};
    const auto at = line.size() - tail;
    if (line.substr(at, kChainMember.size()) != kChainMember) return {};
    return line.substr(at + kChainMember.size(), kChainLength);
}

bool matches(const json::object& entry, const AuditQuery& query) {
    const auto is = [&](std::string_view name, const std::string& wanted) {
        const auto* const value = entry.if_contains(name);
        return value && value->is_string() && std::string_view(value->as_string()) == wanted;
    };
    return is("account", query.scope.account) && is("region", query.scope.region) &&
           (query.workload.empty() || is("workload", query.workload)) &&
           (query.provider.empty() || is("provider", query.provider));
}

// The newest matching lines of one segment, oldest first.
std::deque<std::string> read_segment(const fs::path& path, const AuditQuery& query,
                                     std::size_t items_max) {
    std::deque<std::string> out;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        boost::system::error_code error;
        const auto parsed = json::parse(line, error);
        if (error || !parsed.is_object() || !matches(parsed.as_object(), query)) continue;
        out.push_back(std::move(line));
        if (out.size() > items_max) out.pop_front();
    }
    return out;
}

Result<> verify_segment(const fs::path& path, std::string& chain) {
    std::ifstream file(path);
    std::size_t number = 0;
    for (std::string line; std::getline(file, line);) {
        ++number;
        const std::string_view given = chain_of(line);
        const std::string_view text(
            line.data(),
            line.size() - std::min(line.size(), kChainMember.size() + kChainLength + 2));
        if (given.empty() || link(chain, text) != given)
            return fail(ErrorCode::conflict, fmt::format("{} line {} was changed, or one before it "
                                                         "is missing",
                                                         path.filename().string(), number));
        chain = given;
    }
    return {};
}

}  // namespace

Result<std::unique_ptr<AuditLog>> AuditLog::open(fs::path folder, const IdentityLimits& limits) {
    std::unique_ptr<AuditLog> log(new AuditLog(std::move(folder), limits));
    AC_CHECK(log->start());
    return log;
}

Result<> AuditLog::start() {
    std::error_code error;
    fs::create_directories(folder_, error);
    fs::permissions(folder_, fs::perms::owner_all, error);
    if (error)
        return fail(ErrorCode::unavailable,
                    fmt::format("cannot make {}: {}", folder_.string(), error.message()));
    const auto known = segments(folder_);
    if (!known.empty()) {
        number_ = number_of(known.back());
        AC_CHECK(recover(known.back()));
    }
    AC_CHECK(open_segment(number_));
    thread_ = std::thread([this] { run(); });
    return {};
}

AuditLog::~AuditLog() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    ready_.notify_one();
    if (thread_.joinable()) thread_.join();
}

// A line without an end was never acknowledged: the process died while it was written.
Result<> AuditLog::recover(const fs::path& path) {
    std::ifstream file(path);
    std::uint64_t good = 0;
    for (std::string line; std::getline(file, line) && !file.eof();) {
        if (const auto chain = chain_of(line); !chain.empty()) chain_ = chain;
        good += line.size() + 1;
    }
    if (fs::file_size(path) > good && truncate(path.c_str(), static_cast<off_t>(good)) != 0)
        return fail(errno_error("truncate " + path.string(), errno));
    return {};
}

Result<> AuditLog::open_segment(std::uint64_t number) {
    const fs::path path = segment_path(folder_, number);
    file_.reset(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    if (!file_) return fail(errno_error("open " + path.string(), errno));
    const UniqueFd folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder) fsync(folder.get());
    number_ = number;
    const off_t end = lseek(file_.get(), 0, SEEK_END);
    size_ = end < 0 ? 0 : static_cast<std::uint64_t>(end);
    return {};
}

Task<> AuditLog::append(const Caller& caller, AuditEntry entry, WallTime now) {
    json::object out;
    out["time"] = to_rfc3339(now);
    out["account"] = caller.scope.account;
    out["region"] = caller.scope.region;
    out["principal"] = caller.principal;
    out["requestId"] = caller.request_id;
    out["operation"] = entry.operation;
    if (!entry.workload.empty()) out["workload"] = entry.workload;
    if (!entry.user.empty()) out["user"] = entry.user;
    if (!entry.provider.empty()) out["provider"] = entry.provider;
    out["result"] = entry.result;
    std::string text = json::serialize(out);
    text.pop_back();  // its end comes with the chain
    Waiting waiting{.text = std::move(text), .done = {}};
    auto done = waiting.done;
    bool is_full = false;
    {
        const std::lock_guard lock(mutex_);
        is_full = queue_.size() >= limits_.audit_queue_max;
        if (!is_full) queue_.push_back(std::move(waiting));
    }
    if (is_full) co_return fail(ErrorCode::unavailable, "the audit log cannot keep up");
    ready_.notify_one();
    co_return co_await done.result();
}

void AuditLog::run() {
    while (true) {
        std::vector<Waiting> group;
        {
            std::unique_lock lock(mutex_);
            ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
            if (queue_.empty()) return;
            while (!queue_.empty() && group.size() < kGroupMax) {
                group.push_back(std::move(queue_.front()));
                queue_.pop_front();
            }
        }
        const Result<> written = write_group(group);
        if (!written)
            AC_LOG(error, "the audit log cannot be written", {"reason", written.error().message});
        for (const Waiting& waiting : group) waiting.done.complete(written);
    }
}

Result<> AuditLog::write_group(std::vector<Waiting>& group) {
    if (size_ >= limits_.audit_segment_bytes) AC_CHECK(open_segment(number_ + 1));
    std::string chain = chain_;
    std::string text;
    for (const Waiting& waiting : group) {
        chain = link(chain, waiting.text);
        text += waiting.text;
        text += kChainMember;
        text += chain;
        text += "\"}\n";
    }
    std::string_view left = text;
    while (!left.empty()) {
        const ssize_t count = ::write(file_.get(), left.data(), left.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            // Half a group must not stay: the next line would follow in the middle of one.
            const Error error = errno_error("write the audit log", errno);
            (void)!ftruncate(file_.get(), static_cast<off_t>(size_));
            return fail(error);
        }
        left.remove_prefix(static_cast<std::size_t>(count));
    }
    if (fdatasync(file_.get()) != 0) return fail(errno_error("sync the audit log", errno));
    size_ += text.size();
    chain_ = std::move(chain);
    return {};
}

Task<std::vector<std::string>> AuditLog::read(AuditQuery query, ThreadPool& pool) const {
    query.items_max = std::min(query.items_max, limits_.audit_read_max);
    auto work = [query, folder = folder_]() -> Result<std::vector<std::string>> {
        std::deque<std::string> out;
        const auto known = segments(folder);
        for (auto path = known.rbegin(); path != known.rend() && out.size() < query.items_max;
             ++path) {
            auto lines = read_segment(*path, query, query.items_max - out.size());
            out.insert(out.begin(), std::make_move_iterator(lines.begin()),
                       std::make_move_iterator(lines.end()));
        }
        return std::vector<std::string>(std::make_move_iterator(out.begin()),
                                        std::make_move_iterator(out.end()));
    };
    return pool.run(std::move(work));
}

Task<> AuditLog::verify(ThreadPool& pool) const {
    auto work = [folder = folder_]() -> Result<> {
        std::string chain;
        for (const fs::path& path : segments(folder)) AC_CHECK(verify_segment(path, chain));
        return {};
    };
    return pool.run(std::move(work));
}

}  // namespace ac::identity
