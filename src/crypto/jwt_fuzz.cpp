// A token, as text or (first byte odd) as a header and a payload that are encoded here, so that the
// fuzzer gets past base64: whatever comes, parsing ends, and what it takes has one meaning.
#include <boost/json/serialize.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "crypto/jwt.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ac;
    if (size == 0) return 0;
    static const PrivateKey key = PrivateKey::generate(KeyKind::p256);
    std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] % 2 == 1) {
        const auto end = text.find('\n');
        const std::string payload = end == text.npos ? "{}" : text.substr(end + 1);
        text = to_base64url(text.substr(0, end)) + "." + to_base64url(payload) + ".AAAA";
    }
    const auto token = parse_jwt(text);
    if (!token) {
        AC_ASSERT(token.error().code == ErrorCode::unauthenticated);
        return 0;
    }
    AC_ASSERT(!verify_signature(*token, key.public_key()));
    AC_ASSERT(text == token->signed_part + "." + to_base64url(token->signature));
    (void)check_times(token->claims, from_epoch_ms(0));
    (void)list_claim(token->claims, "aud");
    const auto again =
        parse_jwt(sign_jwt(token->claims, {.key = key, .algorithm = SignatureAlgorithm::es256}));
    AC_ASSERT(again || again.error().message == "the token is too long");
    AC_ASSERT(!again || verify_signature(*again, key.public_key()));
    return 0;
}
