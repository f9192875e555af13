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
    // Links up to `most` rows, or mends links; false: nothing is left to do.
    bool link(std::size_t most);
    bool has_graph() const { return graph_.size() > 0; }
    // Keeps the rows whose new slot is not kGone, and the links between them.
    void renumber(const std::vector<std::uint32_t>& new_slot);

    // The graph for keeping outside, with what its rows are known by later: `key` of each slot.
    std::string image(const std::function<std::int64_t(std::uint32_t)>& key) const;
    struct Restored {
        Graph graph;           // of the rows as they are numbered now
        std::size_t rows = 0;  // that the image has a place for
    };
    // `slot` of a key, kGone: there is none. A row whose vector is another now is left out.
    // invalid_argument: the bytes are no image of such vectors.
    Result<Restored> restored(std::string_view image,
                              const std::function<std::uint32_t(std::int64_t)>& slot) const;
    // Made by restored() since the last renumber().
    void take(Graph graph) { graph_ = std::move(graph); }
    struct Linked {
        std::size_t rows = 0;
        std::size_t linked = 0;
        std::uint64_t changes = 0;  // Graph::changes()
    };
    Linked linked() const;

    struct Found {
        std::uint32_t slot = 0;
        float similarity = 0;
    };
    struct Near {
        float noise = 0;  // what unrelated vectors have: two deviations above the mean of some
        std::vector<Found> found;
        bool is_all = false;  // found is every vector that is accepted
    };
    // About the `count` nearest slots that are accepted, in no order, and all that are not linked.
    // An empty `accept` accepts all.
    Near nearest(const Vectors::Rounded& query, std::size_t count,
                 const std::function<bool(std::uint32_t)>& accept) const;
    // Calls visit for those of the slots that have a vector.
    void compare(const Vectors::Rounded& query, std::span<const std::uint32_t> slots,
                 const std::function<void(Found)>& visit) const;
    std::size_t bytes() const;

  private:
    float noise(const Vectors::Rounded& query) const;

    Vectors vectors_;
    std::vector<std::uint32_t> slots_;  // of each row
    std::vector<std::uint32_t> rows_;   // of each slot; kGone: it has none
    Graph graph_;
};

}  // namespace ac::search
