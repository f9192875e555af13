#pragma once
// Access's port to the key-encryption keys.

#include <filesystem>
#include <memory>

#include "access/secret_box.h"
#include "base/random.h"

namespace ac::server {

// Seals with the key in `path` (mode 0600), which is made when it is not there. `random` outlives
// the box.
Result<std::unique_ptr<access::SecretBox>> open_key_box(const std::filesystem::path& path,
                                                        Random& random);

}  // namespace ac::server
