#pragma once
// The key-encryption keys: what the vault's records are wrapped with. Where they come from is a
// KeySource's business: a file made at the first start, a secret that the operator hands over, a
// key management service. All are loaded at the start and stay in locked memory.
//
// Thread-safe.

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace ac::identity {

struct RingKey {
    std::string id;
    SecretBytes key;  // kSealKeyBytes
};

// The port: the last key is the current one.
class KeySource {
  public:
    virtual ~KeySource() = default;
    virtual Result<std::vector<RingKey>> load() = 0;
    // A new current key, durable when this returns. not_implemented: the operator rotates it.
    virtual Result<RingKey> rotate() = 0;
};

// `path`, mode 0600, made with a random key when it is not there. `clock` and `random` outlive it.
std::unique_ptr<KeySource> make_file_keys(std::filesystem::path path, Random& random,
                                          const Clock& clock);
// Keys derived from the operator's secrets, oldest first: to rotate, restart with a new one behind
// the old one. invalid_argument: a secret shorter than 32 characters.
Result<std::unique_ptr<KeySource>> make_secret_keys(std::vector<SecretBytes> secrets);

// What SetTokenVaultCMK may name: the ARN of a key and the file (32 bytes, raw or base64) in which
// it is kept here.
struct CustomerKey {
    std::string arn;
    std::filesystem::path file;
};

class KeyRing final {
  public:
    static Result<std::unique_ptr<KeyRing>> open(std::unique_ptr<KeySource> source,
                                                 const std::vector<CustomerKey>& customer_keys);

    // The key that new records of service-managed vaults are wrapped with.
    std::string current() const;
    // nullptr: no such key.
    std::shared_ptr<const SecretBytes> find(std::string_view id) const;
    // The id of a customer's key; empty: it is not configured.
    std::string customer_key_id(std::string_view arn) const;
    // The id of the new current key. Blocks on the disk.
    Result<std::string> rotate();

  private:
    explicit KeyRing(std::unique_ptr<KeySource> source) : source_(std::move(source)) {}
    void add(RingKey key);

    std::unique_ptr<KeySource> source_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const SecretBytes>, std::less<>> keys_;
    std::string current_;
};

}  // namespace ac::identity
