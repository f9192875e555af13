#pragma once
// Vectors of one dimension, addressed by slot, two bytes a component: the value is quantized to 16
// bits and kept as two planes. A scan reads the high bytes only (integer dot products, SIMD); what
// survives is scored again with both, which is exact to about 1e-4.
//
// Not synchronized: the owner sees to it.

#include <cstdint>
#include <span>
#include <vector>

namespace ac::search {

// Sum of products of two int8 rows, by the best instructions this processor has.
std::int32_t dot_int8(const std::int8_t* a, const std::int8_t* b, std::size_t count);

class Vectors final {
  public:
    explicit Vectors(std::size_t dimensions) : dimensions_(dimensions) {}

    std::size_t dimensions() const { return dimensions_; }
    std::size_t size() const { return scales_.size(); }
    // Becomes slot size(). `vector` has the right dimension (asserted).
    void append(std::span<const float> vector);
    // Similarity of every slot to `query`, from the high plane; `out` has size().
    void scan(std::span<const float> query, std::span<float> out) const;
    // The same for one slot, from both planes.
    float similarity(std::span<const float> query, std::size_t slot) const;

    // A query, or a slot as a query, in the form that the high plane is compared with.
    struct Rounded {
        std::vector<std::int8_t> components;
        float scale = 0;
    };
    static Rounded rounded(std::span<const float> query);
    Rounded rounded(std::uint32_t slot) const;
    // Similarity from the high plane.
    float rough(const Rounded& query, std::uint32_t slot) const {
        const auto* row = high_.data() + slot * dimensions_;
        return static_cast<float>(dot_int8(query.components.data(), row, dimensions_)) *
               query.scale * scales_[slot];
    }
    // Asks for a slot's high plane ahead of its use.
    void prefetch(std::uint32_t slot) const {
        constexpr std::size_t kLine = 64;
        const auto* row = high_.data() + slot * dimensions_;
        for (std::size_t at = 0; at < dimensions_; at += kLine) __builtin_prefetch(row + at);
    }
    // Of a slot's vector as it is kept: equal vectors have equal ones.
    std::uint64_t fingerprint(std::uint32_t slot) const;
    float rough_between(std::uint32_t a, std::uint32_t b) const;

    struct Neighbour {
        std::uint32_t slot = 0;
        float similarity = 0;
    };
    // The `count` nearest, best first: a scan, then the best of it scored again.
    std::vector<Neighbour> nearest(std::span<const float> query, std::size_t count) const;

    // Keeps the slots for which `keep` is true, in order.
    void compact(const std::vector<bool>& keep);
    std::size_t bytes() const;

  private:
    std::size_t dimensions_;
    std::vector<std::int8_t> high_;
    std::vector<std::int8_t> low_;
    std::vector<float> scales_;
};

}  // namespace ac::search
