#pragma once
// For tests: a port that seals secrets (`Port` has seal, open and rewrap), with keys of its own.

#include <optional>
#include <string>

#include "crypto/seal.h"

namespace ac::testing {

template <class Port>
class RotatingBox final : public Port {
  public:
    // From now on another key is the current one.
    void rotate() { ++current_; }
    // Only the current key is left.
    void forget_old_keys() { oldest_ = current_; }

    Result<std::string> seal(std::string_view place, std::string_view secret) const override {
        return seal_envelope({.id = {&current_, 1}, .key = key(current_)}, place, secret, random_);
    }
    Result<SecretBytes> open(std::string_view place, std::string_view sealed) const override {
        AC_TRY(const std::string id, envelope_key_id(sealed));
        if (id.at(0) < oldest_) return fail(ErrorCode::unavailable, "the key is gone");
        return open_envelope(key(id.at(0)), place, sealed);
    }
    Result<std::optional<std::string>> rewrap(std::string_view place,
                                              std::string_view sealed) const override {
        AC_TRY(const std::string id, envelope_key_id(sealed));
        if (id.at(0) == current_) return std::nullopt;
        AC_TRY(const SecretBytes secret, open(place, sealed));
        return seal(place, secret.view());
    }

  private:
    static std::string key(char letter) { return std::string(kSealKeyBytes, letter); }

    char oldest_ = 'a';
    char current_ = 'a';
    mutable SystemRandom random_;
};

}  // namespace ac::testing
