#include "issuer/keys.h"

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

KeySetPointer Keys::cached(const std::string& pool) const {
    const std::lock_guard lock(mutex_);
    const auto found = sets_.find(pool);
    if (found == sets_.end() || clock_.steady() >= found->second->loaded_at + limits_.key_cache)
        return nullptr;
    return found->second;
}

void Keys::forget(const std::string& pool) {
    const std::lock_guard lock(mutex_);
    sets_.erase(pool);
}

// Two nodes may make a key at the same moment: then there are two, which does no harm.
Task<KeySetPointer> Keys::of(const Pool& pool) {
    if (auto set = cached(pool.id)) co_return set;
    auto read = [id = pool.id](storage::Transaction& tx) { return store::keys(tx, id); };
    AC_CO_TRY(auto stored, co_await database_.read(read));
    const WallTime now = clock_.wall();
    if (stored.empty() || stored.back().created_at + limits_.key_life <= now) {
        AC_CO_TRY(auto made, make(pool));
        stored.push_back(std::move(made));
        const WallTime oldest = now - limits_.key_life - limits_.key_ahead - limits_.key_behind;
        auto write = [id = pool.id, key = stored.back(),
                      oldest](storage::Transaction& tx) -> Result<std::vector<store::StoredKey>> {
            AC_CHECK(store::insert_key(tx, id, key));
            AC_CHECK(store::erase_keys_before(tx, id, oldest));
            return store::keys(tx, id);
        };
        AC_CO_TRY(stored, co_await database_.write(std::move(write)));
    }
    AC_CO_TRY(KeySetPointer set, open(pool, stored));
    const std::lock_guard lock(mutex_);
    sets_[pool.id] = set;
    co_return set;
}

Task<> Keys::rotate(const Pool& pool) {
    AC_CO_TRY(auto made, make(pool));
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

}  // namespace ac::issuer
