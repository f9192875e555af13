#pragma once
// The signing keys of each pool: made when first needed, sealed at rest, published before they
// sign, replaced in time, kept published until the last token that they signed has expired.
// Thread-safe.

#include <map>
#include <memory>
#include <mutex>

#include "async/completion.h"
#include "async/thread_pool.h"
#include "base/random.h"
#include "crypto/jwks.h"
#include "issuer/limits.h"
#include "issuer/store.h"
#include "issuer/types.h"
#include "storage/database.h"

namespace ac::issuer {

// Whoever keeps the key under which records are sealed.
class Sealer {
  public:
    virtual ~Sealer() = default;
    // `place` says what is sealed; it opens under the same place only.
    virtual Result<std::string> seal(std::string_view place, std::string_view plaintext) const = 0;
    virtual Result<SecretBytes> open(std::string_view place, std::string_view sealed) const = 0;
    // The same under the current key; nullopt when it is. unavailable: a key is gone.
    virtual Result<std::optional<std::string>> rewrap(std::string_view place,
                                                      std::string_view sealed) const = 0;
};

struct SigningKey {
    std::string id;
    SignatureAlgorithm algorithm;
    PrivateKey key;
    WallTime created_at;
};

struct KeySet {
    std::vector<SigningKey> keys;  // oldest first, never empty
    std::size_t signing = 0;       // the one that signs now
    Jwks published;
    SteadyTime loaded_at{};
    const SigningKey& signer() const { return keys[signing]; }
};
using KeySetPointer = std::shared_ptr<const KeySet>;

// Which of the keys, made at these times (ascending), signs: the newest that has been published for
// `ahead`, else the oldest.
std::size_t signing_key(const std::vector<WallTime>& created, WallTime now, Seconds ahead);

class Keys final {
  public:
    // All outlive it.
    Keys(storage::Database& database, const Sealer& sealer, const Clock& clock, Random& random,
         ThreadPool& workers, const IssuerLimits& limits)
        : database_(database),
          sealer_(sealer),
          clock_(clock),
          random_(random),
          workers_(workers),
          limits_(limits) {}

    Task<KeySetPointer> of(const Pool& pool);
    // A new key from now on; it signs after IssuerLimits::key_ahead.
    Task<> rotate(const Pool& pool);
    void forget(const std::string& pool);
    // Sealed anew by the sealer's current key; how many there were.
    Task<std::int64_t> rewrap();

  private:
    class Flight;
    Task<KeySetPointer> load(const Pool& pool);
    Task<store::StoredKey> make_elsewhere(const Pool& pool);
    Result<store::StoredKey> make(const Pool& pool);
    void land(const std::string& pool, const Result<KeySetPointer>& loaded);
    Result<KeySetPointer> open(const Pool& pool, const std::vector<store::StoredKey>& stored);

    storage::Database& database_;
    const Sealer& sealer_;
    const Clock& clock_;
    Random& random_;
    ThreadPool& workers_;
    const IssuerLimits& limits_;
    std::mutex mutex_;  // all below
    std::map<std::string, KeySetPointer> sets_;
    std::map<std::string, std::vector<Completion<KeySetPointer>>> loading_;  // and who waits
};

}  // namespace ac::issuer
