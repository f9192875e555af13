#pragma once
// The port by which secrets of access keys are kept sealed in the store; identity's key ring
// satisfies it.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace ac::access {

// Thread-safe; never blocks.
class SecretBox {
  public:
    virtual ~SecretBox() = default;
    // `place` is bound to the secret: open() takes it at no other.
    virtual Result<std::string> seal(std::string_view place, std::string_view secret) const = 0;
    // unavailable: other place, damaged, or its key is gone.
    virtual Result<SecretBytes> open(std::string_view place, std::string_view sealed) const = 0;
    // The same secret under the current key; nullopt when it is. unavailable: a key is gone.
    virtual Result<std::optional<std::string>> rewrap(std::string_view place,
                                                      std::string_view sealed) const = 0;
};

}  // namespace ac::access
