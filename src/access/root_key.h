#pragma once
// The root key of an installation, kept in `folder`/root-access-key.json (mode 0600), made at the
// first start.

#include <memory>
#include <string>

#include "base/random.h"
#include "base/result.h"
#include "crypto/secret_bytes.h"

namespace ac::access {

struct KeyPair {
    std::string id;
    std::shared_ptr<const SecretBytes> secret;
};

// AWS's own shapes: 20 characters that start with `prefix` (AKIA, ASIA), a secret of 40.
KeyPair make_key_pair(Random& random, std::string_view prefix);
// `prefix` and as many of [A-Z2-7] as make it `length` characters: AIDA..., AROA..., ANPA...
std::string make_unique_id(Random& random, std::string_view prefix, std::size_t length = 21);

// unavailable: the file is damaged or cannot be written.
Result<KeyPair> open_root_key(const std::string& folder, Random& random);

}  // namespace ac::access
