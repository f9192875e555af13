#pragma once
// The vault's key ring as access and the issuer see it.

#include "access/access_service.h"
#include "access/secret_box.h"
#include "async/task.h"
#include "async/timer.h"
#include "base/random.h"
#include "identity/key_ring.h"
#include "issuer/issuer.h"

namespace ac::server {

class KeyBox final : public access::SecretBox, public issuer::Sealer {
  public:
    // Both outlive the box.
    KeyBox(const identity::KeyRing& keys, Random& random) : keys_(keys), random_(random) {}

    Result<std::string> seal(std::string_view place, std::string_view secret) const override;
    Result<SecretBytes> open(std::string_view place, std::string_view sealed) const override;
    Result<std::optional<std::string>> rewrap(std::string_view place,
                                              std::string_view sealed) const override;

  private:
    const identity::KeyRing& keys_;
    Random& random_;
};

// Whenever the ring has a new key, what access and the issuer keep is given to it; until it is
// cancelled. All outlive it; `issuer` may be nullptr.
Detached keep_rewrapped(const identity::KeyRing& keys, Timer& timer, access::AccessService& access,
                        issuer::Issuer* issuer);

}  // namespace ac::server
