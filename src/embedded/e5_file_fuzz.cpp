// Any bytes as a model file, then some of the same bytes as a text for its tokenizer.

#include <string_view>

#include "embedded/e5_file.h"
#include "embedded/e5_tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ac::embedded::Bytes bytes(data, size);
    auto contents = ac::embedded::parse_e5(bytes);
    if (!contents) return 0;
    const ac::embedded::E5Tokenizer tokenizer(std::move(contents->vocabulary));
    const std::string_view text(reinterpret_cast<const char*>(data), std::min(size, 512UL));
    (void)tokenizer.encode(text, 64);
    return 0;
}
