#pragma once
// Rows that every use of a credential needs, as they are stored (secrets sealed), so that a use
// costs no query. An entry is put in only when nothing was written since its query began.
//
// Thread-safe.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"

namespace ac::identity {

template <class Value>
class SealedCache final {
  public:
    // `life`: zero keeps entries until they are dropped.
    SealedCache(std::size_t entries_max, Milliseconds life)
        : entries_max_(entries_max), life_(life) {}

    std::shared_ptr<const Value> find(const std::string& key, SteadyTime now) const {
        const std::lock_guard lock(mutex_);
        const auto found = entries_.find(key);
        if (found == entries_.end()) return nullptr;
        if (life_ > Milliseconds{0} && now - found->second.since > life_) return nullptr;
        return found->second.value;
    }

    std::uint64_t generation() const {
        const std::lock_guard lock(mutex_);
        return generation_;
    }

    void put(const std::string& key, std::shared_ptr<const Value> value, std::uint64_t generation,
             SteadyTime now) {
        const std::lock_guard lock(mutex_);
        if (generation != generation_) return;
        if (entries_.size() >= entries_max_) entries_.clear();
        entries_[key] = {std::move(value), now};
    }

    // Before and after a write: what was read in between is not kept.
    void drop(const std::string& key) {
        const std::lock_guard lock(mutex_);
        ++generation_;
        entries_.erase(key);
    }
    void clear() {
        const std::lock_guard lock(mutex_);
        ++generation_;
        entries_.clear();
    }

  private:
    struct Entry {
        std::shared_ptr<const Value> value;
        SteadyTime since;
    };

    const std::size_t entries_max_;
    const Milliseconds life_;
    mutable std::mutex mutex_;
    std::uint64_t generation_ = 0;
    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace ac::identity
