// Any bytes, cut anywhere: what comes out does not depend on the cut, and is within the bound.
#include <cstdint>
#include <string_view>
#include <vector>

#include "net/web_socket.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ac::net;
    constexpr std::size_t kBytesMax = 1000;
    if (size < 2) return 0;
    const auto sender =
        data[0] % 2 == 0 ? WebSocketDecoder::Sender::client : WebSocketDecoder::Sender::server;
    const std::size_t piece = 1 + data[0] / 2;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    WebSocketDecoder whole(sender, kBytesMax);
    WebSocketDecoder cut(sender, kBytesMax);
    const bool good = whole.feed(text).has_value();
    bool cut_good = true;
    for (std::size_t at = 0; at < text.size() && cut_good; at += piece)
        cut_good = cut.feed(text.substr(at, piece)).has_value();
    AC_ASSERT(good == cut_good);
    while (true) {
        const auto one = whole.next();
        const auto other = cut.next();
        AC_ASSERT(one == other);
        if (!one) return 0;
        AC_ASSERT(one->payload.size() <= kBytesMax);
    }
}
