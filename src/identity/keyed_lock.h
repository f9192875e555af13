#pragma once
// One at a time a key, first come first served: what keeps the coroutines of this process from
// refreshing the same token twice.
//
// Thread-safe. A holder lets go when its Hold is destroyed.

#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "async/completion.h"

namespace ac::identity {

class KeyedLock final {
  public:
    class Hold final {
      public:
        Hold(KeyedLock& lock, std::string key) : lock_(&lock), key_(std::move(key)) {}
        Hold(Hold&& other) noexcept
            : lock_(std::exchange(other.lock_, nullptr)), key_(std::move(other.key_)) {}
        Hold& operator=(Hold&&) = delete;
        ~Hold() {
            if (lock_) lock_->let_go(key_);
        }

      private:
        KeyedLock* lock_;
        std::string key_;
    };

    Task<Hold> hold(std::string key) {
        Completion<void> turn;
        bool is_free = false;
        {
            const std::lock_guard lock(mutex_);
            const auto [entry, made] = waiting_.try_emplace(key);
            is_free = made;
            if (!made) entry->second.push_back(turn);
        }
        if (!is_free) {
            AC_CO_CHECK(co_await turn.result());
        }
        co_return Hold(*this, std::move(key));
    }

  private:
    void let_go(const std::string& key) {
        const std::lock_guard lock(mutex_);
        const auto entry = waiting_.find(key);
        if (entry->second.empty()) {
            waiting_.erase(entry);
            return;
        }
        entry->second.front().complete({});
        entry->second.pop_front();
    }

    std::mutex mutex_;
    std::map<std::string, std::deque<Completion<void>>> waiting_;
};

}  // namespace ac::identity
