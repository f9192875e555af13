#include "access/ip_block.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <string>

namespace ac::access {

bool IpBlock::contains(const IpBlock& other) const {
    if (other.prefix < prefix) return false;
    for (int bit = 0; bit < prefix; bit += 8) {
        const auto mask =
            static_cast<std::uint8_t>(prefix - bit >= 8 ? 0xFF : 0xFF << (8 - prefix + bit));
        const auto at = static_cast<std::size_t>(bit / 8);
        if ((bytes[at] & mask) != (other.bytes[at] & mask)) return false;
    }
    return true;
}

std::optional<IpBlock> parse_ip_block(std::string_view text) {
    const auto slash = text.find('/');
    const std::string address(text.substr(0, slash));
    IpBlock block;
    const bool is_v4 = address.find(':') == std::string::npos;
    if (is_v4) {
        std::ranges::fill_n(block.bytes.begin() + 10, 2, std::uint8_t{0xFF});
        if (inet_pton(AF_INET, address.c_str(), block.bytes.data() + 12) != 1) return std::nullopt;
    } else if (inet_pton(AF_INET6, address.c_str(), block.bytes.data()) != 1) {
        return std::nullopt;
    }
    if (slash == std::string_view::npos) return block;
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), block.prefix);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    if (block.prefix < 0 || block.prefix > (is_v4 ? 32 : 128)) return std::nullopt;
    if (is_v4) block.prefix += 96;
    return block;
}

}  // namespace ac::access
