#pragma once
// A navigable graph over Vectors (HNSW: Malkov and Yashunin, 2016): the nearest vectors are found
// by walking from neighbour to neighbour, down through layers that thin out upwards. Approximate: a
// wider walk misses less. It covers the first size() slots; what was appended since is the owner's
// to scan. Slots are linked in order and never unlinked: who compacts builds it anew. Not
// synchronized.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "search/vectors.h"

namespace ac::search {

class Graph final {
  public:
    std::size_t size() const { return layers_of_.size(); }
    // Links the next slot of `vectors`, which always are the same ones.
    void link_next(const Vectors& vectors);

    // About the `count` nearest, best first, walking `width` candidates wide (at least count).
    // Similarities are those of Vectors' scan. Slots for which `accept` is false lead on but are
    // not answered.
    std::vector<Vectors::Neighbour> nearest(const Vectors& vectors, const Vectors::Rounded& query,
                                            std::size_t count, std::size_t width,
                                            const std::function<bool(std::uint32_t)>& accept) const;
    std::size_t bytes() const;

  private:
    using Neighbours = std::vector<Vectors::Neighbour>;
    static constexpr std::uint32_t kLinks = 12;  // a slot and layer; twice that on the lowest
    static constexpr std::uint32_t kWidthLinking = 80;
    static constexpr std::uint32_t kEmpty = ~0U;

    // The links of a slot on a layer: filled from the front, then kEmpty.
    std::span<std::uint32_t> links(std::uint32_t slot, std::uint32_t layer);
    std::span<const std::uint32_t> links(std::uint32_t slot, std::uint32_t layer) const;
    std::uint32_t walk_down(const Vectors& vectors, const Vectors::Rounded& query,
                            std::uint32_t to_layer) const;
    // Both lists best first.
    Neighbours search_layer(const Vectors& vectors, const Vectors::Rounded& query,
                            std::uint32_t entry, std::uint32_t layer, std::size_t width) const;
    // Those that are nearer to the slot than to one chosen before: links into every direction.
    Neighbours choose(const Vectors& vectors, const Neighbours& candidates, std::size_t most) const;
    void connect(const Vectors& vectors, std::uint32_t from, std::uint32_t to, float similarity,
                 std::uint32_t layer);

    std::vector<std::uint32_t> lowest_;    // 2 * kLinks a slot
    std::vector<std::uint32_t> upper_;     // kLinks a slot and layer above the lowest
    std::vector<std::uint32_t> upper_at_;  // where a slot's part of upper_ begins
    std::vector<std::uint8_t> layers_of_;  // of each slot, the lowest not counted
    std::uint32_t entry_ = 0;
    std::uint32_t top_ = 0;
};

}  // namespace ac::search
