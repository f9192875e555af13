#pragma once
// The record of every use of a credential: who, what, when, for whom, with what result; never the
// value. Append only: one JSON object a line, each with a hash over itself and the line before, so
// that a line that was changed or taken out shows. A use is answered after its entry is on disk;
// entries that come together share one write and one sync.
//
// Thread-safe.

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "async/completion.h"
#include "async/thread_pool.h"
#include "base/file.h"
#include "identity/limits.h"
#include "identity/types.h"

namespace ac::identity {

struct AuditEntry {
    std::string_view operation;  // "GetResourceApiKey"
    std::string workload = {};
    std::string user = {};
    std::string provider = {};
    std::string result = "ok";  // or the error's code
};

struct AuditQuery {
    Scope scope;
    std::string workload;  // empty: any
    std::string provider;
    std::size_t items_max = 100;  // the newest
};

class AuditLog final {
  public:
    static Result<std::unique_ptr<AuditLog>> open(std::filesystem::path folder,
                                                  const IdentityLimits& limits);
    ~AuditLog();
    AuditLog(const AuditLog&) = delete;
    AuditLog& operator=(const AuditLog&) = delete;

    // Durable when it ends. unavailable: the disk is full, or the queue is.
    Task<> append(const Caller& caller, AuditEntry entry, WallTime now);
    // Oldest first; each a JSON object.
    Task<std::vector<std::string>> read(AuditQuery query, ThreadPool& pool) const;
    // conflict: names the first line that does not fit to the one before.
    Task<> verify(ThreadPool& pool) const;

  private:
    struct Waiting {
        std::string text;  // the object without its end
        Completion<void> done;
    };

    AuditLog(std::filesystem::path folder, const IdentityLimits& limits)
        : folder_(std::move(folder)), limits_(limits) {}
    Result<> start();
    Result<> open_segment(std::uint64_t number);
    Result<> recover(const std::filesystem::path& path);
    void run();
    Result<> write_group(std::vector<Waiting>& group);

    const std::filesystem::path folder_;
    const IdentityLimits limits_;

    // The writer's thread.
    UniqueFd file_;
    std::uint64_t number_ = 1;
    std::uint64_t size_ = 0;
    std::string chain_;

    std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<Waiting> queue_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace ac::identity
