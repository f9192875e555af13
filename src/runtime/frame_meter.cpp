#include "runtime/frame_meter.h"

#include <algorithm>
#include <string>

namespace ac::runtime {

Result<> FrameMeter::take(std::string_view bytes) {
    while (!bytes.empty()) {
        if (payload_left_ > 0) {
            const auto part = std::min<std::uint64_t>(payload_left_, bytes.size());
            payload_left_ -= part;
            bytes.remove_prefix(static_cast<std::size_t>(part));
            continue;
        }
        AC_TRY(const auto frame, heads_.take(bytes));
        if (!frame) break;
        if (frame->payload_bytes > frame_bytes_max_)
            return fail(ErrorCode::too_large, "a WebSocket frame is larger than " +
                                                  std::to_string(frame_bytes_max_) + " bytes");
        payload_left_ = frame->payload_bytes;
    }
    return {};
}

}  // namespace ac::runtime
