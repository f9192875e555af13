// Any bytes, cut anywhere: the meter's verdict does not depend on the cut.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "runtime/frame_meter.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace ac::runtime;
    if (size < 2) return 0;
    const auto sender = data[0] % 2 == 0 ? FrameMeter::Sender::client : FrameMeter::Sender::server;
    const std::size_t piece = 1 + data[0] / 2;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    FrameMeter whole(sender, 1000);
    FrameMeter cut(sender, 1000);
    const bool good = whole.take(text).has_value();
    bool cut_good = true;
    for (std::size_t at = 0; at < text.size() && cut_good; at += piece)
        cut_good = cut.take(text.substr(at, piece)).has_value();
    AC_ASSERT(good == cut_good);
    if (good) AC_ASSERT(whole.is_between_frames() == cut.is_between_frames());
    return 0;
}
