#include "net/address_guard.h"

#include <algorithm>
#include <optional>

namespace ac::net {
namespace {

using asio::ip::address;
using asio::ip::address_v4;
using asio::ip::address_v6;
using asio::ip::network_v4;
using asio::ip::network_v6;

// IANA's special-purpose registries (RFC 6890 and its updates), without what is globally reachable.
constexpr const char* kRefusedV4[] = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4"};
// Everything outside 2000::/3 is refused as well.
constexpr const char* kRefusedV6[] = {"2001::/23", "2001:db8::/32", "3fff::/20"};
constexpr const char* kGlobalV6 = "2000::/3";

constexpr const char* kLinkLocalV4 = "169.254.0.0/16";
constexpr const char* kLinkLocalV6 = "fe80::/10";
constexpr const char* kMetadataV6 = "fd00:ec2::/32";

bool within(const address_v4& one, const network_v4& block) {
    return (one.to_uint() & block.netmask().to_uint()) == block.network().to_uint();
}

bool within(const address_v6& one, const network_v6& block) {
    const auto a = one.to_bytes();
    const auto b = block.address().to_bytes();
    unsigned left = block.prefix_length();
    for (std::size_t i = 0; i < a.size() && left > 0; ++i) {
        const unsigned bits = std::min(left, 8U);
        const unsigned mask = 0xFFU << (8 - bits) & 0xFFU;
        if ((a[i] & mask) != (b[i] & mask)) return false;
        left -= bits;
    }
    return true;
}

network_v4 block_v4(const char* text) {
    return asio::ip::make_network_v4(text);
}

network_v6 block_v6(const char* text) {
    return asio::ip::make_network_v6(text);
}

bool is_public(const address_v4& one) {
    static const auto refused = [] {
        std::vector<network_v4> blocks;
        for (const char* text : kRefusedV4) blocks.push_back(block_v4(text));
        return blocks;
    }();
    return std::ranges::none_of(refused, [&](const auto& block) { return within(one, block); });
}

// The IPv4 address inside: mapped, compatible, NAT64 (RFC 6052) and 6to4 (RFC 3056).
std::optional<address_v4> embedded(const address_v6& one) {
    static const network_v6 mapped = block_v6("::ffff:0:0/96");
    static const network_v6 compatible = block_v6("::/96");
    static const network_v6 nat64 = block_v6("64:ff9b::/96");
    static const network_v6 six_to_four = block_v6("2002::/16");
    const auto bytes = one.to_bytes();
    const auto at = [&](std::size_t i) {
        return address_v4(
            address_v4::bytes_type{bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]});
    };
    if (within(one, mapped) || within(one, nat64)) return at(12);
    if (within(one, compatible) && !one.is_loopback() && !one.is_unspecified()) return at(12);
    if (within(one, six_to_four)) return at(2);
    return std::nullopt;
}

bool is_public(const address_v6& one) {
    static const network_v6 global = block_v6(kGlobalV6);
    static const auto refused = [] {
        std::vector<network_v6> blocks;
        for (const char* text : kRefusedV6) blocks.push_back(block_v6(text));
        return blocks;
    }();
    return within(one, global) &&
           std::ranges::none_of(refused, [&](const auto& block) { return within(one, block); });
}

bool is_link_local(const address_v4& one) {
    static const network_v4 block = block_v4(kLinkLocalV4);
    return within(one, block);
}

bool is_link_local(const address_v6& one) {
    static const network_v6 block = block_v6(kLinkLocalV6);
    static const network_v6 metadata = block_v6(kMetadataV6);
    return within(one, block) || within(one, metadata);
}

// A wide block does not open what it merely covers.
template <class Address, class Blocks>
bool is_allowed(const Address& one, const Blocks& blocks) {
    return std::ranges::any_of(blocks, [&](const auto& block) {
        return within(one, block) && (!is_link_local(one) || is_link_local(block.address()));
    });
}

}  // namespace

AddressGuard AddressGuard::allow_all() {
    AddressGuard guard;
    guard.allows_all_ = true;
    return guard;
}

AddressGuard AddressGuard::allow_none() {
    AddressGuard guard;
    guard.allows_public_ = false;
    return guard;
}

Result<> AddressGuard::allow(std::string_view block) {
    const std::string text(block);
    const bool is_single = text.find('/') == text.npos;
    boost::system::error_code error;
    if (text.find(':') == text.npos) {
        const auto parsed = asio::ip::make_network_v4(is_single ? text + "/32" : text, error);
        if (!error) blocks_v4_.push_back(parsed.canonical());
    } else {
        const auto parsed = asio::ip::make_network_v6(is_single ? text + "/128" : text, error);
        if (!error) blocks_v6_.push_back(parsed.canonical());
    }
    if (error) return fail(ErrorCode::invalid_argument, "not an address block: " + text);
    return {};
}

Result<> AddressGuard::check(const address& one) const {
    bool good = allows_all_;
    const auto passes = [this](const auto& address, const auto& blocks) {
        return (allows_public_ && is_public(address)) || is_allowed(address, blocks);
    };
    if (one.is_v4())
        good = good || passes(one.to_v4(), blocks_v4_);
    else if (const auto inner = embedded(one.to_v6()))
        good = good || passes(*inner, blocks_v4_);
    else
        good = good || passes(one.to_v6(), blocks_v6_);
    if (good) return {};
    return fail(ErrorCode::permission_denied,
                "the address " + one.to_string() + " is not " +
                    (allows_public_ ? "a public one" : "an allowed one") + " (" + setting_ + ")");
}

}  // namespace ac::net
