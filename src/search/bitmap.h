#pragma once
// One bit a slot: the form of a posting list that holds a good part of the slots. Adding a weight
// to the scores of its slots then takes wide masked arithmetic instead of a loop over postings.

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace ac::search {

class Bitmap final {
  public:
    void set(std::uint32_t slot) {
        if (slot / kBits >= words_.size()) words_.resize(slot / kBits + 1);
        words_[slot / kBits] |= std::uint64_t{1} << slot % kBits;
    }
    template <class Visit>  // void(std::uint32_t slot), ascending
    void for_each(Visit visit) const {
        for (std::size_t i = 0; i < words_.size(); ++i)
            for (auto bits = words_[i]; bits != 0; bits &= bits - 1)
                visit(static_cast<std::uint32_t>(i * kBits) +
                      static_cast<std::uint32_t>(std::countr_zero(bits)));
    }
    // scores[i] += weight * values[i] for the slots first + i that are set; `first` is a multiple
    // of 64, both spans have the same size.
    void add(float weight, std::span<const float> values, std::size_t first,
             std::span<float> scores) const;

    std::size_t bytes() const { return words_.capacity() * sizeof(std::uint64_t); }

  private:
    static constexpr std::uint32_t kBits = 64;

    std::vector<std::uint64_t> words_;
};

}  // namespace ac::search
