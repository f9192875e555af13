#pragma once
// One lock for each blob id. Whoever gives a blob its name and its first reference holds it, and
// so does whoever removes a blob without references: without it, a blob could be found
// unreferenced, be stored again, and then be removed. Thread-safe.

#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "async/completion.h"
#include "async/task.h"
#include "storage/blob_store.h"

namespace ac::objects {

class BlobLocks final {
  public:
    class Held final {
      public:
        Held(BlobLocks& locks, std::string id) : locks_(&locks), id_(std::move(id)) {}
        Held(Held&& other) noexcept
            : locks_(std::exchange(other.locks_, nullptr)), id_(std::move(other.id_)) {}
        Held& operator=(Held&&) = delete;
        ~Held() { release(); }
        void release();

      private:
        BlobLocks* locks_;
        std::string id_;
    };

    // First come, first served. The BlobLocks outlive what is Held.
    Task<std::unique_ptr<Held>> lock(storage::BlobId id);

  private:
    std::mutex mutex_;
    // An id is locked while it is in here; the deque holds those who wait.
    std::unordered_map<std::string, std::deque<Completion<void>>> locked_;
};

}  // namespace ac::objects
