// Bytes that claim to be a sealed record: refused or opened, never worse; what opens is what was
// sealed.

#include <cstdint>
#include <string_view>

#include "crypto/seal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::string key(ac::kSealKeyBytes, 'k');
    (void)ac::envelope_key_id(text);
    AC_ASSERT(!ac::open_envelope(key, "place", text));
    ac::SeededRandom random(7);
    const std::string envelope = ac::seal_envelope({"id", key}, "place", text, random);
    AC_ASSERT(ac::open_envelope(key, "place", envelope)->view() == text);
    return 0;
}
