#pragma once
// Where providers' keys come from. A configuration names a key, it never holds one:
// "file:/path" is a file that only its owner can read, "vault:NAME" an API key of Identity's vault.

#include <memory>
#include <string>

#include "async/task.h"
#include "base/clock.h"
#include "crypto/secret_bytes.h"

namespace ac::models {

using Secret = std::shared_ptr<const SecretBytes>;

// Thread-safe.
class KeySource {
  public:
    virtual ~KeySource() = default;
    // invalid_argument: no such kind of name; not_found; permission_denied: others can read the
    // file; unavailable.
    virtual Task<Secret> key(std::string name) = 0;
};

// Of "file:" names. Read again when it is older than some seconds, so that a key can be replaced
// while the daemon runs. Spaces and line ends around the key are no part of it.
std::unique_ptr<KeySource> make_file_keys(const Clock& clock);

}  // namespace ac::models
