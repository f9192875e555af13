#pragma once
// Who calls, and the access keys by which a caller is known.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "async/task.h"
#include "base/random.h"

namespace ac::access {

struct Principal {
    std::string account;  // 12 digits
    std::string arn;      // arn:aws:iam::000000000000:root
};

struct AccessKey {
    std::string id;      // AKIA...
    std::string secret;  // never logged
    Principal principal;
};

// Thread-safe; never blocks.
class KeyStore {
  public:
    virtual ~KeyStore() = default;
    virtual std::optional<AccessKey> find(std::string_view access_key_id) const = 0;
};

// The one root key of an installation, kept in `folder`/root-access-key.json (mode 0600), made at
// the first start.
Result<std::unique_ptr<KeyStore>> open_root_key(const std::string& folder, Random& random,
                                                std::string account);

}  // namespace ac::access
