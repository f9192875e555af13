#include <cstdlib>

#include "sandbox/linux/guest_init.h"
#include "sandbox/linux/protocol.h"

// What decodes, encodes to the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ac::sandbox;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto request = decode_request(bytes))
        if (encode(*request) != bytes) std::abort();
    if (const auto notice = decode_notice(bytes))
        if (encode(*notice) != bytes) std::abort();
    if (const auto notice = decode_init_notice(bytes))
        if (encode(*notice) != bytes) std::abort();
    return 0;
}
