#pragma once
// Sorted (number, count) pairs as bytes, the form in which terms of a document and documents of a
// term are kept: the gap to the number before, one bit that says whether a count above 1 follows,
// both as base-128 varints. Most pairs take one or two bytes. Numbers are below 2^31.

#include <cstdint>
#include <vector>

namespace ac::search {

struct Counted {
    std::uint32_t number = 0;
    std::uint32_t count = 0;
};

// Appends one pair; `before` is the number of the pair before, -1 for the first. At most 10 bytes.
inline std::uint8_t* pack_number(std::uint32_t value, std::uint8_t* to) {
    for (; value >= 0x80; value >>= 7) *to++ = static_cast<std::uint8_t>(value | 0x80);
    *to++ = static_cast<std::uint8_t>(value);
    return to;
}

inline constexpr std::size_t kPackedBytesMax = 10;

inline std::uint8_t* pack(Counted pair, std::uint32_t before, std::uint8_t* to) {
    const std::uint32_t gap = pair.number - before;
    to = pack_number(gap << 1 | (pair.count > 1 ? 1 : 0), to);
    return pair.count > 1 ? pack_number(pair.count, to) : to;
}

inline std::uint32_t unpack_number(const std::uint8_t*& from) {
    std::uint32_t value = *from++;
    if (value < 0x80) return value;
    value &= 0x7F;
    for (int shift = 7;; shift += 7) {
        const std::uint32_t byte = *from++;
        value |= (byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
}

template <class Visit>  // void(std::uint32_t number, std::uint32_t count)
void for_each_packed(const std::uint8_t* from, const std::uint8_t* end, Visit visit) {
    std::uint32_t number = ~0U;
    while (from < end) {
        const auto gap = unpack_number(from);
        number += gap >> 1;
        visit(number, (gap & 1) != 0 ? unpack_number(from) : 1);
    }
}

// Sorts, and counts repetitions.
std::vector<Counted> count_terms(std::vector<std::uint32_t> terms);

}  // namespace ac::search
