#include "crypto/password.h"

#include <openssl/evp.h>

#include <array>

#include "base/encoding.h"
#include "base/result.h"
#include "crypto/hash.h"

namespace ac {
namespace {

constexpr std::string_view kScheme = "scrypt$";
constexpr std::uint64_t kCost = 1 << 15;
constexpr std::uint64_t kBlock = 8;
constexpr std::uint64_t kLanes = 1;
constexpr std::uint64_t kMemoryMax = 64 << 20;
constexpr std::size_t kSaltBytes = 16;

std::string scrypt(std::string_view password, std::string_view salt) {
    std::string out(32, '\0');
    AC_ASSERT(EVP_PBE_scrypt(password.data(), password.size(),
                             reinterpret_cast<const unsigned char*>(salt.data()), salt.size(),
                             kCost, kBlock, kLanes, kMemoryMax,
                             reinterpret_cast<unsigned char*>(out.data()), out.size()) == 1);
    return out;
}

}  // namespace

std::string hash_password(std::string_view password, Random& random) {
    std::array<std::byte, kSaltBytes> bytes{};
    random.fill(bytes);
    const std::string salt(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return std::string(kScheme) + to_base64url(salt) + "$" + to_base64url(scrypt(password, salt));
}

bool is_password(std::string_view password, std::string_view stored) {
    std::string salt(kSaltBytes, '\0');
    std::string expected;
    if (stored.starts_with(kScheme)) {
        stored.remove_prefix(kScheme.size());
        const auto dollar = stored.find('$');
        if (dollar != stored.npos) {
            salt = from_base64url(stored.substr(0, dollar)).value_or(salt);
            expected = from_base64url(stored.substr(dollar + 1)).value_or("");
        }
    }
    return equal_in_constant_time(scrypt(password, salt), expected);
}

}  // namespace ac
