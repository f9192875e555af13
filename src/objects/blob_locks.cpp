#include "objects/blob_locks.h"

#include <optional>

namespace ac::objects {

Task<std::unique_ptr<BlobLocks::Held>> BlobLocks::lock(storage::BlobId id) {
    std::optional<Completion<void>> turn;
    {
        const std::lock_guard lock(mutex_);
        const auto [entry, is_free] = locked_.try_emplace(id.sha256);
        if (!is_free) entry->second.push_back(turn.emplace());
    }
    if (turn) {
        AC_CO_CHECK(co_await turn->result());
    }
    co_return std::make_unique<Held>(*this, std::move(id.sha256));
}

void BlobLocks::Held::release() {
    BlobLocks* locks = std::exchange(locks_, nullptr);
    if (locks == nullptr) return;
    std::optional<Completion<void>> next;
    {
        const std::lock_guard lock(locks->mutex_);
        const auto entry = locks->locked_.find(id_);
        if (entry->second.empty()) {
            locks->locked_.erase(entry);
        } else {
            next = std::move(entry->second.front());
            entry->second.pop_front();
        }
    }
    if (next) next->complete(Result<>{});
}

}  // namespace ac::objects
