#pragma once
// Sorted (number, count) pairs as bytes, the form in which terms of a document and documents of a
// term are kept: the gap to the number before, one bit that says whether a count above 1 follows,
// both as base-128 varints. Most pairs take one or two bytes. Numbers are below 2^31.

#include <bit>
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

// Bytes that pack() will take.
inline std::uint32_t packed_size(Counted pair, std::uint32_t before) {
    const auto size = [](std::uint32_t value) {
        return (static_cast<std::uint32_t>(std::bit_width(value | 1)) + 6) / 7;
    };
    const std::uint32_t gap = pair.number - before;
    return size(gap << 1) + (pair.count > 1 ? size(pair.count) : 0);
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

// Reads packed pairs a stretch at a time.
class PackedCursor final {
  public:
    PackedCursor(const std::uint8_t* from, const std::uint8_t* end) : from_(from), end_(end) {
        advance();
    }
    template <class Visit>  // void(std::uint32_t number, std::uint32_t count), numbers below `end`
    void until(std::uint32_t end, Visit visit) {
        auto here = *this;  // what visit() writes could be this otherwise, for all a compiler knows
        for (; here.number_ < end; here.advance()) visit(here.number_, here.count_);
        *this = here;
    }

  private:
    static constexpr std::uint32_t kDone = ~0U;

    void advance() {
        if (from_ == end_) {
            number_ = kDone;
            return;
        }
        const auto gap = unpack_number(from_);
        number_ += gap >> 1;
        count_ = (gap & 1) != 0 ? unpack_number(from_) : 1;
    }

    const std::uint8_t* from_;
    const std::uint8_t* end_;
    std::uint32_t number_ = kDone;  // also what stands before the first
    std::uint32_t count_ = 0;
};

// Sorts, and counts repetitions.
std::vector<Counted> count_terms(std::vector<std::uint32_t> terms);

}  // namespace ac::search
