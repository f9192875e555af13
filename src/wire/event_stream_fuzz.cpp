// Any bytes, and any bytes as headers and payload of a frame whose checksums are right: the decoder
// must not crash, and what it takes encodes to something it takes the same.
#include <algorithm>
#include <cstdint>

#include "wire/event_stream.h"

namespace {

using ac::wire::EventDecoder;

void decode_all(std::string_view bytes) {
    EventDecoder decoder;
    decoder.feed(bytes);
    for (;;) {
        const auto message = decoder.next();
        if (!message || !*message) return;
        const auto fits = [](const auto& header) { return header.value.size() < 32768; };
        if (!std::ranges::all_of((*message)->headers, fits)) continue;
        EventDecoder again;
        again.feed(ac::wire::encode_message(**message));
        const auto copy = again.next();
        AC_ASSERT(copy && *copy && (*copy)->payload == (*message)->payload);
        AC_ASSERT((*copy)->headers.size() == (*message)->headers.size());
    }
}

void put(std::string& out, std::size_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 255);
}

std::string framed(std::string_view content, std::size_t headers_size) {
    std::string out;
    put(out, content.size() + 16);
    put(out, headers_size);
    put(out, ac::wire::crc32(out));
    out += content;
    put(out, ac::wire::crc32(out));
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    decode_all(bytes);
    if (size > 0) decode_all(framed(bytes.substr(1), std::min<std::size_t>(data[0], size - 1)));
    return 0;
}
