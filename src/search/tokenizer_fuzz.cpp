// Any bytes: no crash, and every term that comes out is valid enough to be tokenised again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "search/embedder.h"
#include "search/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto& term : ac::search::terms_of(text))
        if (term.empty()) __builtin_trap();
    static const auto embedder = ac::search::make_hashed_embedder();
    embedder->embed(text.substr(0, 4096));
    return 0;
}
