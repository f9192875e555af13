// Any bytes: the decoder must not crash, and what it takes encodes to something it takes the same.
#include <cstdint>

#include "wire/event_stream.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ac::wire::EventDecoder decoder;
    decoder.feed({reinterpret_cast<const char*>(data), size});
    for (;;) {
        const auto message = decoder.next();
        if (!message || !*message) return 0;
        ac::wire::EventDecoder again;
        bool fits = true;
        for (const auto& header : (*message)->headers) fits = fits && header.value.size() < 32768;
        if (!fits) continue;
        again.feed(ac::wire::encode_message(**message));
        const auto copy = again.next();
        AC_ASSERT(copy && *copy && (*copy)->payload == (*message)->payload);
        AC_ASSERT((*copy)->headers.size() == (*message)->headers.size());
    }
}
