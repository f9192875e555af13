// What a session's agent sends, in two pieces: frames or an error, never more.

#include <boost/json.hpp>

#include "interpreter/frames.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace ac::interpreter;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    FrameDecoder decoder;
    for (const auto piece : {bytes.substr(0, size / 2), bytes.substr(size / 2)}) {
        decoder.feed(piece);
        while (true) {
            auto next = decoder.next();
            if (!next) return 0;
            if (!*next) break;
            const Frame& frame = **next;
            FrameDecoder again;
            again.feed(encode_head(frame.header, frame.body.size()) + frame.body);
            auto same = again.next();
            if (!same || !*same || (*same)->body != frame.body) __builtin_trap();
        }
    }
    return 0;
}
