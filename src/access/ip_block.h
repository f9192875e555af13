#pragma once
// An IP address, or a block of them in CIDR notation.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ac::access {

struct IpBlock {
    std::array<std::uint8_t, 16> bytes{};  // IPv4 as ::ffff:a.b.c.d
    int prefix = 128;

    bool contains(const IpBlock& other) const;
};

// "10.0.0.0/8", "2001:db8::/32", "192.0.2.1".
std::optional<IpBlock> parse_ip_block(std::string_view text);

}  // namespace ac::access
