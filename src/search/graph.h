#pragma once
// A navigable graph over Vectors (HNSW: Malkov and Yashunin, 2016): the nearest vectors are found
// by walking from neighbour to neighbour, down through layers that thin out upwards. Approximate: a
// wider walk misses less. It covers the first size() slots but for those in unlinked(); these, and
// what was appended since, are the owner's to scan. When slots get other numbers or go, renumber()
// keeps the links between those that stay. Not synchronized.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "search/vectors.h"

namespace ac::search {

class Graph final {
  public:
    static constexpr std::uint32_t kGone = ~0U;
    static constexpr std::uint32_t kLayersMax = 12;

    std::size_t size() const { return layers_of_.size(); }
    // Links the next slot of `vectors`, which always are the same ones.
    void link_next(const Vectors& vectors);

    // Slots below size() without any link: no walk comes to them.
    std::span<const std::uint32_t> unlinked() const { return unlinked_; }
    bool needs_mending() const { return !unlinked_.empty() || !damaged_.empty(); }
    // Links one of unlinked(). False: there is none.
    bool link_unlinked(const Vectors& vectors);
    // Chooses the links of a slot anew that lost many. False: there is none.
    bool mend_next(const Vectors& vectors);
    // The graph of the same vectors under other numbers: `new_slot` of each of size() slots, below
    // `count` and each once, or kGone. Links to what is gone lead over it to a neighbour of its.
    void renumber(std::span<const std::uint32_t> new_slot, std::size_t count);
    // Grows with every link and every slot that went: tells whether a copy is out of date.
    std::uint64_t changes() const { return changes_; }

    // Its links as bytes, and the graph of `slots` slots that such bytes describe: read() believes
    // nothing of them. invalid_argument: they describe none.
    void write(std::string& out) const;
    static Result<Graph> read(std::string_view bytes, std::size_t slots);

    // About the `count` nearest, best first, walking `width` candidates wide (at least count).
    // Similarities are those of Vectors' scan. Slots for which `accept` is false lead on but are
    // not answered; an empty one accepts all.
    std::vector<Vectors::Neighbour> nearest(const Vectors& vectors, const Vectors::Rounded& query,
                                            std::size_t count, std::size_t width,
                                            const std::function<bool(std::uint32_t)>& accept) const;
    std::size_t bytes() const;

  private:
    using Neighbours = std::vector<Vectors::Neighbour>;
    static constexpr std::uint32_t kLinks = 12;  // a slot and layer; twice that on the lowest
    static constexpr std::uint32_t kWidthLinking = 80;
    static constexpr std::uint32_t kEmpty = ~0U;

    // Room for a slot of so many layers, unlinked.
    void add_slot(std::uint32_t layers);
    void link(const Vectors& vectors, std::uint32_t slot);
    void mend(const Vectors& vectors, std::uint32_t slot, std::uint32_t layer);
    // The slots that `slot` reaches in one or two steps on a layer, best first.
    Neighbours around(const Vectors& vectors, std::uint32_t slot, std::uint32_t layer) const;
    // renumber()'s steps; `from` is the graph with the old numbers.
    struct Carried {
        std::size_t links = 0;  // before
        std::size_t lost = 0;
    };
    Carried carry(const Graph& from, std::span<const std::uint32_t> new_slot, std::uint32_t slot,
                  std::uint32_t layer);
    void drop_links_to_unlinked();
    bool choose_entry();
    // Of those that read() has no reason to refuse.
    bool is_sound() const;

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
    std::vector<std::uint32_t> unlinked_;
    std::vector<std::uint32_t> damaged_;  // they have links, but lost many
    std::uint64_t changes_ = 0;
};

// Each layer has a twelfth of the slots below it. By the slot's number, so that a graph of the same
// vectors is the same graph.
std::uint32_t graph_layers_of(std::uint32_t slot);
bool is_better(const Vectors::Neighbour& a, const Vectors::Neighbour& b);

}  // namespace ac::search
