// Any input, however it is cut: the same content or an error, and never more content than input.
#include <algorithm>

#include "wire/s3_chunked.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    ac::wire::S3ChunkDecoder whole{std::nullopt};
    ac::wire::S3ChunkDecoder cut{std::nullopt};
    std::string content;
    std::string pieces;
    const bool ok = whole.feed(input, content).has_value();
    bool cut_ok = true;
    const std::size_t step = size == 0 ? 1 : data[0] % 7 + 1;
    for (std::size_t at = 0; cut_ok && at < size; at += step)
        cut_ok = cut.feed(input.substr(at, step), pieces).has_value();
    if (content.size() > size) __builtin_trap();
    if (ok && (!cut_ok || content != pieces || whole.finished() != cut.finished()))
        __builtin_trap();
    return 0;
}
