#pragma once
// Passwords of people, kept as scrypt hashes (RFC 7914): N = 2^15, r = 8, p = 1, about 32 MiB and
// 80 ms each, so both functions belong on a thread pool.

#include <string>
#include <string_view>

#include "base/random.h"

namespace ac {

// "scrypt$<salt>$<hash>", base64url.
std::string hash_password(std::string_view password, Random& random);
// False also when `stored` is no such hash. Takes as long then.
bool is_password(std::string_view password, std::string_view stored);

}  // namespace ac
