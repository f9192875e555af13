#include "issuer/keys.h"

#include "base/log.h"

namespace ac::issuer {
namespace {

std::string place_of(const std::string& pool, const std::string& key) {
    return "issuer-key/" + pool + "/" + key;
}

}  // namespace

std::size_t signing_key(const std::vector<WallTime>& created, WallTime now, Seconds ahead) {
    std::size_t signing = 0;
    for (std::size_t i = 1; i < created.size(); ++i)
        if (created[i] + ahead <= now) signing = i;
    return signing;
}

Result<store::StoredKey> Keys::make(const Pool& pool) {
    const PrivateKey key = PrivateKey::generate(key_kind_for(pool.algorithm));
    store::StoredKey stored{.id = random_alphanumeric(random_, 24),
                            .algorithm = std::string(to_string(pool.algorithm)),
                            .created_at = clock_.wall()};
    const SecretBytes secret(key.to_pkcs8());
    AC_TRY(stored.sealed, sealer_.seal(place_of(pool.id, stored.id), secret.view()));
    return stored;
}

Result<KeySetPointer> Keys::open(const Pool& pool, const std::vector<store::StoredKey>& stored) {
    auto set = std::make_shared<KeySet>();
    std::vector<WallTime> created;
    std::vector<Jwk> published;
    for (const store::StoredKey& one : stored) {
        const auto algorithm = signature_algorithm_from(one.algorithm);
        if (!algorithm) return fail(ErrorCode::internal, "a stored signing key is unreadable");
        AC_TRY(const SecretBytes secret, sealer_.open(place_of(pool.id, one.id), one.sealed));
        AC_TRY(PrivateKey key, PrivateKey::from_pkcs8(secret.view()));
        published.push_back({.id = one.id, .algorithm = algorithm, .key = key.public_key()});
        set->keys.push_back({one.id, *algorithm, std::move(key), one.created_at});
        created.push_back(one.created_at);
    }
    set->signing = signing_key(created, clock_.wall(), limits_.key_ahead);
    set->published = Jwks(std::move(published));
    set->loaded_at = clock_.steady();
    return set;
}

// The one reading of a pool's keys that is under way, whose end is told to those who wait, also
// when the coroutine that reads is destroyed.
class Keys::Flight final {
  public:
    Flight(Keys& keys, const std::string& pool) : keys_(keys), pool_(pool) {}
    ~Flight() {
        if (!landed_) land(fail(ErrorCode::unavailable, "the signing keys were not read"));
    }
    Flight(const Flight&) = delete;
    Flight& operator=(const Flight&) = delete;
    void land(const Result<KeySetPointer>& loaded) {
        landed_ = true;
        keys_.land(pool_, loaded);
    }

  private:
    Keys& keys_;
    const std::string& pool_;
    bool landed_ = false;
};

void Keys::land(const std::string& pool, const Result<KeySetPointer>& loaded) {
    std::unique_lock lock(mutex_);
    if (loaded) sets_[pool] = *loaded;
    const auto waiters = loading_.extract(pool);
    lock.unlock();
    for (const auto& waiter : waiters.mapped()) waiter.complete(loaded);
}

void Keys::forget(const std::string& pool) {
    const std::lock_guard lock(mutex_);
    sets_.erase(pool);
}

Task<KeySetPointer> Keys::of(const Pool& pool) {
    std::unique_lock lock(mutex_);
    const auto found = sets_.find(pool.id);
    if (found != sets_.end() && clock_.steady() < found->second->loaded_at + limits_.key_cache)
        co_return found->second;
    if (const auto under_way = loading_.find(pool.id); under_way != loading_.end()) {
        const Completion<KeySetPointer> done = under_way->second.emplace_back();
        lock.unlock();
        co_return co_await done.cancellable_result();
    }
    loading_[pool.id];
    lock.unlock();
    Flight flight(*this, pool.id);
    const Result<KeySetPointer> loaded = co_await load(pool);
    flight.land(loaded);
    co_return loaded;
}

// Making an RSA key takes up to a second.
Task<store::StoredKey> Keys::make_elsewhere(const Pool& pool) {
    auto work = [this, pool]() { return make(pool); };
    co_return co_await workers_.run(std::move(work));
}

Task<KeySetPointer> Keys::load(const Pool& pool) {
    auto read = [id = pool.id](storage::Transaction& tx) { return store::keys(tx, id); };
    AC_CO_TRY(auto stored, co_await database_.read(read));
    const WallTime now = clock_.wall();
    const WallTime due = now - limits_.key_life;
    if (stored.empty() || stored.back().created_at <= due) {
        AC_CO_TRY(auto made, co_await make_elsewhere(pool));
        const WallTime oldest = due - limits_.key_ahead - limits_.key_behind;
        auto write = [id = pool.id, key = std::move(made), due,
                      oldest](storage::Transaction& tx) -> Result<std::vector<store::StoredKey>> {
            AC_TRY(auto known, store::keys(tx, id));
            // Another node was first.
            if (!known.empty() && known.back().created_at > due) return known;
            AC_CHECK(store::insert_key(tx, id, key));
            AC_CHECK(store::erase_keys_before(tx, id, oldest));
            return store::keys(tx, id);
        };
        AC_CO_TRY(stored, co_await database_.write(std::move(write)));
    }
    co_return open(pool, stored);
}

Task<> Keys::rotate(const Pool& pool) {
    AC_CO_TRY(auto made, co_await make_elsewhere(pool));
    auto write = [id = pool.id, key = std::move(made)](storage::Transaction& tx) -> Result<> {
        // Their times are their order.
        store::StoredKey next = key;
        AC_TRY(const auto known, store::keys(tx, id));
        if (!known.empty())
            next.created_at = std::max(next.created_at, known.back().created_at + Milliseconds{1});
        return store::insert_key(tx, id, next);
    };
    AC_CO_CHECK(co_await database_.write(std::move(write)));
    forget(pool.id);
    co_return Result<>{};
}

Task<std::int64_t> Keys::rewrap() {
    auto list = [](storage::Transaction& tx) { return store::all_keys(tx); };
    AC_CO_TRY(const auto rows, co_await database_.read(list));
    std::int64_t done = 0;
    for (const auto& [pool, stored] : rows) {
        const auto sealed = sealer_.rewrap(place_of(pool, stored.id), stored.sealed);
        if (!sealed) {  // the others can be
            AC_LOG(error, "a signing key cannot be rewrapped", {"key", stored.id},
                   {"reason", sealed.error().message});
            continue;
        }
        if (!*sealed) continue;
        store::StoredKey next = stored;
        next.sealed = **sealed;
        auto replace = [&pool, &next](storage::Transaction& tx) {
            return store::replace_key(tx, pool, next);
        };
        AC_CO_CHECK(co_await database_.write(replace));
        ++done;
    }
    co_return done;
}

}  // namespace ac::issuer
