#pragma once
// Seals secrets for storage and opens them. A sealed record opens only in its own place: account,
// region, vault, kind, name, user and revision are authenticated with it, so that a row that was
// copied elsewhere, or put back from a backup under a newer row, is refused.
//
// Thread-safe.

#include <string>
#include <string_view>

#include "identity/key_ring.h"
#include "identity/types.h"

namespace ac::identity {

struct Place {
    Scope scope;
    std::string_view kind;  // "apikey", "oauth2", "grant", "consent", "token-key"
    std::string name;
    std::string user = {};
    std::int64_t revision = 0;
};

class Vault final {
  public:
    Vault(const KeyRing& keys, Random& random) : keys_(keys), random_(random) {}

    // `key_id` must be one of the ring's (asserted).
    std::string seal(const Place& place, std::string_view plaintext, std::string_view key_id) const;
    // unavailable: the record is not this place's, was changed, or its key is not in the ring.
    Result<SecretBytes> open(const Place& place, std::string_view sealed) const;
    // The same record, wrapped with another key.
    Result<std::string> rewrap(const Place& place, std::string_view sealed,
                               std::string_view key_id) const;

  private:
    const KeyRing& keys_;
    Random& random_;
};

// For columns that say with which key a record is wrapped.
std::string key_id_of(std::string_view sealed);

}  // namespace ac::identity
