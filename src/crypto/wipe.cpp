#include "crypto/wipe.h"

#include <openssl/crypto.h>

#include <array>

namespace ac {
namespace {

constexpr std::size_t kWipedStackBytes = 32 * 1024;

}  // namespace

void wipe(void* bytes, std::size_t size) {
    if (size > 0) OPENSSL_cleanse(bytes, size);
}

void wipe(std::string& text) {
    text.resize(text.capacity());
    wipe(text.data(), text.size());
    text.clear();
}

[[gnu::noinline]] void wipe_stack() {
    std::array<char, kWipedStackBytes> below;
    OPENSSL_cleanse(below.data(), below.size());
}

}  // namespace ac
