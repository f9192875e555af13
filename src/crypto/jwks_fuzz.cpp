// A key set from anywhere: what is read is written and read again as the same keys.
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <string_view>

#include "crypto/jwks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ac;
    const auto keys = Jwks::parse({reinterpret_cast<const char*>(data), size});
    if (!keys) {
        AC_ASSERT(keys.error().code == ErrorCode::invalid_argument);
        return 0;
    }
    for (const Jwk& jwk : keys->keys()) {
        const auto written = to_json(jwk);
        const auto again = parse_jwk(written);
        AC_ASSERT(again.has_value());
        AC_ASSERT(to_json(*again) == written);
        AC_ASSERT(jwk_thumbprint(again->key) == jwk_thumbprint(jwk.key));
    }
    return 0;
}
