#pragma once
// For tests: a SecretBox with a key of its own.

#include "access/secret_box.h"
#include "crypto/seal.h"

namespace ac::access::testing {

class TestBox final : public SecretBox {
  public:
    Result<std::string> seal(std::string_view place, std::string_view secret) const override {
        return ac::seal(key_, place, secret, random_);
    }
    Result<SecretBytes> open(std::string_view place, std::string_view sealed) const override {
        return unseal(key_, place, sealed);
    }

  private:
    const std::string key_ = std::string(kSealKeyBytes, 'k');
    mutable SystemRandom random_;
};

}  // namespace ac::access::testing
