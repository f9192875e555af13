#pragma once
// What every part of the service works with.

#include "async/thread_pool.h"
#include "async/timer.h"
#include "base/random.h"
#include "identity/audit_log.h"
#include "identity/key_ring.h"
#include "identity/limits.h"
#include "identity/outside.h"
#include "identity/vault.h"
#include "storage/database.h"

namespace ac::identity {

// All outlive the service.
struct Context {
    storage::Database& database;
    ThreadPool& pool;
    Timer& timer;
    Random& random;
    const IdentityLimits& limits;
    KeyRing& keys;
    Vault& vault;
    AuditLog& audit;
    Outside& outside;
    UserTokens& user_tokens;
    std::string public_url;  // "http://host:port" by which browsers reach this server

    WallTime now() const { return timer.clock().wall(); }
};

// The key that new records of a scope are wrapped with; unavailable when its vault's customer key
// is not configured here.
Result<std::string> wrapping_key(storage::Transaction& tx, const KeyRing& keys, const Scope& scope);

// Pages of names in order: the token is the last name, encoded; invalid_argument when it is none.
Result<std::string> start_of(const PageRequest& page);
std::string page_token(std::string_view last_name);

}  // namespace ac::identity
