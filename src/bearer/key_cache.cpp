#include "bearer/key_cache.h"

#include <algorithm>

#include "base/log.h"

namespace ac::bearer {

// The one fetch of an issuer that is under way. Its end is told to those who wait, also when the
// coroutine that fetches is destroyed in the middle.
class KeyCache::Flight final {
  public:
    Flight(KeyCache& cache, const std::string& url) : cache_(cache), url_(url) {}
    ~Flight() {
        if (!landed_) land(fail(ErrorCode::unavailable, "the issuer's keys were not fetched"));
    }
    Flight(const Flight&) = delete;
    Flight& operator=(const Flight&) = delete;
    void land(Result<Fetched> fetched) {
        landed_ = true;
        cache_.land(url_, std::move(fetched));
    }

  private:
    KeyCache& cache_;
    const std::string& url_;
    bool landed_ = false;
};

KeyCache::KeyCache(DocumentSource& documents, const Clock& clock, KeyCacheLimits limits)
    : documents_(documents), clock_(clock), limits_(limits) {}

Task<KeysPointer> KeyCache::find(std::string discovery_url) {
    return get(std::move(discovery_url), Want::fresh, nullptr);
}

Task<KeysPointer> KeyCache::find_newer(std::string discovery_url, KeysPointer known) {
    return get(std::move(discovery_url), Want::newer, std::move(known));
}

Task<KeysPointer> KeyCache::get(std::string url, Want want, KeysPointer known) {
    std::unique_lock lock(mutex_);
    Entry& entry = entry_of(url);
    entry.used_at = clock_.steady();
    const bool must_wait = entry.is_fetching && (!entry.keys || want == Want::newer);
    if (!must_wait && (entry.is_fetching || !must_fetch(entry, want, known)))
        co_return answer_of(entry);
    if (entry.is_fetching) {
        const Completion<KeysPointer> done = entry.waiters.emplace_back();
        lock.unlock();
        co_return co_await done.cancellable_result();
    }
    entry.is_fetching = true;
    entry.has_tried = true;
    entry.tried_at = clock_.steady();
    lock.unlock();
    Flight flight(*this, url);
    flight.land(co_await fetch(url));
    lock.lock();
    co_return answer_of(entry_of(url));
}

bool KeyCache::must_fetch(const Entry& entry, Want want, const KeysPointer& known) const {
    if (!entry.has_tried) return true;
    const SteadyTime now = clock_.steady();
    if (!entry.keys) return now >= entry.tried_at + limits_.failure_pause;
    if (want == Want::newer)
        return entry.keys == known && now >= entry.tried_at + limits_.refresh_pause;
    return now >= entry.fresh_until && now >= entry.tried_at + limits_.refresh_pause;
}

Result<KeysPointer> KeyCache::answer_of(const Entry& entry) const {
    if (!entry.keys) return fail(entry.failure);
    if (clock_.steady() >= entry.fresh_until + limits_.stale_max)
        return fail(ErrorCode::unavailable, "the issuer has been away for too long");
    return entry.keys;
}

Task<KeyCache::Fetched> KeyCache::fetch(const std::string& url) {
    AC_CO_TRY(const Document discovery, co_await documents_.get(url));
    auto metadata = parse_metadata(discovery.text, url);
    if (metadata && metadata->jwks_uri.empty())
        metadata = fail(ErrorCode::unavailable, "the discovery document names no key set");
    if (!metadata) co_return fail(ErrorCode::unavailable, metadata.error().message);
    AC_CO_TRY(const Document set, co_await documents_.get(metadata->jwks_uri));
    auto keys = Jwks::parse(set.text);
    if (!keys) co_return fail(ErrorCode::unavailable, keys.error().message);
    const Seconds age =
        std::clamp(set.max_age.value_or(limits_.age_default), limits_.age_min, limits_.age_max);
    auto pointer = std::make_shared<const IssuerKeys>(*std::move(metadata), *std::move(keys));
    co_return Fetched{std::move(pointer), age};
}

void KeyCache::land(const std::string& url, Result<Fetched> fetched) {
    std::unique_lock lock(mutex_);
    Entry& entry = entry_of(url);
    const SteadyTime now = clock_.steady();
    if (fetched) {
        entry.keys = std::move(fetched->keys);
        entry.fetched_at = now;
        entry.fresh_until = now + fetched->age;
        entry.failure = {};
    } else {
        AC_LOG(warn, "an issuer's keys could not be fetched", {"discovery", url},
               {"why", fetched.error().message});
        // What was found at that address is not the caller's business (SSRF).
        entry.failure = {.code = ErrorCode::unavailable,
                         .message = "the keys of the token's issuer cannot be fetched"};
    }
    entry.is_fetching = false;
    const auto waiters = std::exchange(entry.waiters, {});
    const Result<KeysPointer> answer = answer_of(entry);
    lock.unlock();
    for (const auto& waiter : waiters) waiter.complete(answer);
}

KeyCache::Entry& KeyCache::entry_of(const std::string& url) {
    if (const auto found = entries_.find(url); found != entries_.end()) return found->second;
    if (entries_.size() >= limits_.issuers_max) {
        auto oldest = entries_.end();
        for (auto it = entries_.begin(); it != entries_.end(); ++it)
            if (!it->second.is_fetching &&
                (oldest == entries_.end() || it->second.used_at < oldest->second.used_at))
                oldest = it;
        if (oldest != entries_.end()) entries_.erase(oldest);
    }
    return entries_[url];
}

}  // namespace ac::bearer
