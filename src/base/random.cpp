#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/encoding.h"
#include "base/result.h"

namespace ac {
namespace {

// Rejection sampling, so that every character is equally likely.
std::string random_of(Random& random, std::string_view alphabet, std::size_t length) {
    const std::size_t limit = 256 - 256 % alphabet.size();
    std::string out;
    out.reserve(length);
    std::array<std::byte, 32> bytes;
    while (out.size() < length) {
        random.fill(bytes);
        for (std::byte byte : bytes) {
            const auto value = std::to_integer<std::size_t>(byte);
            if (value < limit && out.size() < length) out += alphabet[value % alphabet.size()];
        }
    }
    return out;
}

void ask_kernel(std::span<std::byte> out) {
    while (!out.empty()) {
        const ssize_t n = getrandom(out.data(), out.size(), 0);
        if (n < 0 && errno == EINTR) continue;
        AC_ASSERT(n > 0);
        out = out.subspan(static_cast<std::size_t>(n));
    }
}

}  // namespace

void SystemRandom::fill(std::span<std::byte> out) {
    if (out.size() > reserve_.size() / 8) return ask_kernel(out);
    const std::lock_guard lock(mutex_);
    if (left_ < out.size()) {
        ask_kernel(reserve_);
        left_ = reserve_.size();
    }
    left_ -= out.size();
    const auto taken = std::span(reserve_).subspan(left_, out.size());
    std::ranges::copy(taken, out.begin());
    std::ranges::fill(taken, std::byte{0});
}

void SeededRandom::fill(std::span<std::byte> out) {
    const std::lock_guard lock(mutex_);
    for (std::byte& byte : out) byte = static_cast<std::byte>(engine_() >> 56);
}

std::string random_alphanumeric(Random& random, std::size_t length) {
    return random_of(random, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
                     length);
}

std::string random_lower_alphanumeric(Random& random, std::size_t length) {
    return random_of(random, "0123456789abcdefghijklmnopqrstuvwxyz", length);
}

std::string random_uuid(Random& random) {
    std::array<std::byte, 16> b;
    random.fill(b);
    b[6] = (b[6] & std::byte{0x0f}) | std::byte{0x40};
    b[8] = (b[8] & std::byte{0x3f}) | std::byte{0x80};
    std::string out = to_hex(b);
    for (const std::size_t at : {8U, 13U, 18U, 23U}) out.insert(at, 1, '-');
    return out;
}

}  // namespace ac
