// Whatever the bytes and however they are cut: the same content, the same verdict, and content
// that is encoded again decodes to itself.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "net/chunk_decoder.h"
#include "net/http_text.h"

namespace ac::net {
namespace {

struct Decoded {
    std::string content;
    bool done = false;
    std::size_t used = 0;
};

std::optional<Decoded> decode(std::string_view text, std::size_t step) {
    ChunkDecoder decoder;
    Decoded out;
    for (std::size_t end = 0; !decoder.is_done();) {
        const auto arrived = text.substr(out.used, end - out.used);
        const auto eaten = decoder.eat_framing(arrived);
        if (!eaten) return std::nullopt;
        AC_ASSERT(*eaten <= arrived.size());
        out.used += *eaten;
        const auto count = std::min<std::uint64_t>(decoder.content(), end - out.used);
        if (count > 0) {
            out.content += text.substr(out.used, count);
            decoder.took(count);
            out.used += count;
        } else if (end == text.size()) {
            break;
        } else {
            end = std::min(end + step, text.size());
        }
    }
    out.done = decoder.is_done();
    return out;
}

void check(std::string_view text) {
    const auto whole = decode(text, text.size() + 1);
    const auto stepped = decode(text, 1);
    AC_ASSERT(whole.has_value() == stepped.has_value());
    if (!whole) return;
    AC_ASSERT(whole->content == stepped->content && whole->done == stepped->done);
    AC_ASSERT(whole->used == stepped->used);

    std::string encoded;
    if (!whole->content.empty()) {
        append_chunk_size(encoded, whole->content.size());
        encoded += whole->content + "\r\n";
    }
    encoded += "0\r\n\r\n";
    const auto again = decode(encoded, 3);
    AC_ASSERT(again && again->done && again->content == whole->content);
}

}  // namespace
}  // namespace ac::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    ac::net::check({reinterpret_cast<const char*>(bytes), size});
    return 0;
}
