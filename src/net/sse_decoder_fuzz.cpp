// Any bytes in any pieces: the same events as in one piece, and nothing larger than the bound.

#include <cstdlib>
#include <string>
#include <vector>

#include "net/sse_decoder.h"

namespace {

constexpr std::size_t kMax = 512;

std::vector<std::string> events_of(std::string_view text, std::size_t piece) {
    ac::net::SseDecoder decoder(kMax);
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        decoder.feed(text.substr(at, piece));
        while (true) {
            const auto event = decoder.next();
            if (!event) return out;
            if (!*event) break;
            if ((*event)->data.size() > kMax) std::abort();
            out.push_back((*event)->event + "|" + (*event)->data);
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    // Where a bound is met the pieces decide how much was seen before.
    if (size == 0 || size > kMax) return 0;
    const std::size_t piece = 1 + static_cast<std::size_t>(data[0]) % 7;
    if (events_of(text, size) != events_of(text, piece)) std::abort();
    return 0;
}
