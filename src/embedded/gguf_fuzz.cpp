#include "embedded/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ac::embedded::Bytes bytes(data, size);
    (void)ac::embedded::parse_gguf(bytes);
    return 0;
}
