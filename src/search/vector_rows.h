#pragma once
// The vectors of a partition's documents, in the order in which they came, which is not that of the
// slots: a vector is made after its document was added. A query scans what is not linked into the
// graph and walks through what is: linking is the owner's, where there are many. Not synchronized.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "search/graph.h"
#include "search/vectors.h"

namespace ac::search {

class VectorRows final {
  public:
    static constexpr std::uint32_t kGone = ~0U;
    explicit VectorRows(std::size_t dimensions) : vectors_(dimensions) {}

    std::size_t size() const { return slots_.size(); }
    std::size_t dimensions() const { return vectors_.dimensions(); }
    bool has(std::uint32_t slot) const { return slot < rows_.size() && rows_[slot] != kGone; }
    // The slot has no vector yet.
    void append(std::uint32_t slot, std::span<const float> vector);
    // The next `most` rows; false: all are linked.
    bool link(std::size_t most);
    // Keeps the rows whose new slot is not kGone. They are to be linked anew.
    void renumber(const std::vector<std::uint32_t>& new_slot);

    struct Found {
        std::uint32_t slot = 0;
        float similarity = 0;
    };
    // About the `count` nearest slots that are accepted, in no order, and all that are not linked.
    std::vector<Found> nearest(std::span<const float> query, std::size_t count,
                               const std::function<bool(std::uint32_t)>& accept) const;
    // Those of the slots that have a vector.
    std::vector<Found> compare(std::span<const float> query,
                               std::span<const std::uint32_t> slots) const;
    // What unrelated vectors have in common with the query: two deviations above the mean of some.
    float noise(std::span<const float> query) const;
    std::size_t bytes() const;

  private:
    Vectors vectors_;
    std::vector<std::uint32_t> slots_;  // of each row
    std::vector<std::uint32_t> rows_;   // of each slot; kGone: it has none
    Graph graph_;
};

}  // namespace ac::search
