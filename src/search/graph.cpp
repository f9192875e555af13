#include "search/graph.h"

#include <algorithm>
#include <array>
#include <optional>

namespace ac::search {

namespace {

using Neighbour = Vectors::Neighbour;

// Which slots a walk has seen.
class Seen final {
  public:
    explicit Seen(std::size_t slots) : bits_(slots / kBits + 1) {}
    bool insert(std::uint32_t slot) {
        auto& word = bits_[slot / kBits];
        const auto bit = std::uint64_t{1} << slot % kBits;
        if ((word & bit) != 0) return false;
        word |= bit;
        return true;
    }

  private:
    static constexpr std::uint32_t kBits = 64;

    std::vector<std::uint64_t> bits_;
};

// The best that a walk has found, and from which of them it has not gone on yet.
class Front final {
  public:
    explicit Front(std::size_t width) : width_(width) { found_.reserve(width + 1); }

    bool takes(const Neighbour& candidate) const {
        return found_.size() < width_ || is_better(candidate, found_.back().neighbour);
    }
    void add(const Neighbour& candidate) {
        const auto at = std::ranges::upper_bound(found_, candidate, is_better, &Found::neighbour);
        next_ = std::min(next_, static_cast<std::size_t>(at - found_.begin()));
        found_.insert(at, {candidate, false});
        if (found_.size() > width_) found_.pop_back();
    }
    // The best from which it has not gone on.
    std::optional<std::uint32_t> next() {
        while (next_ < found_.size() && found_[next_].is_left) ++next_;
        if (next_ == found_.size()) return std::nullopt;
        found_[next_].is_left = true;
        return found_[next_].neighbour.slot;
    }
    std::vector<Neighbour> neighbours() const {
        std::vector<Neighbour> out;
        for (const auto& found : found_) out.push_back(found.neighbour);
        return out;
    }

  private:
    struct Found {
        Neighbour neighbour;
        bool is_left = false;
    };

    std::size_t width_;
    std::vector<Found> found_;  // best first
    std::size_t next_ = 0;      // those before are left
};

}  // namespace

bool is_better(const Neighbour& a, const Neighbour& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.slot < b.slot;
}

std::uint32_t graph_layers_of(std::uint32_t slot) {
    std::uint64_t x = (slot + 1) * 0x9E3779B97F4A7C15;
    x = (x ^ (x >> 31)) * 0xBF58476D1CE4E5B9;
    x ^= x >> 29;
    std::uint32_t layers = 0;
    for (; x % 12 == 0 && layers < Graph::kLayersMax; x /= 12) ++layers;
    return layers;
}

std::span<std::uint32_t> Graph::links(std::uint32_t slot, std::uint32_t layer) {
    if (layer == 0) return std::span(lowest_).subspan(std::size_t{slot} * 2 * kLinks, 2 * kLinks);
    return std::span(upper_).subspan(upper_at_[slot] + (layer - 1) * kLinks, kLinks);
}

std::span<const std::uint32_t> Graph::links(std::uint32_t slot, std::uint32_t layer) const {
    if (layer == 0) return std::span(lowest_).subspan(std::size_t{slot} * 2 * kLinks, 2 * kLinks);
    return std::span(upper_).subspan(upper_at_[slot] + (layer - 1) * kLinks, kLinks);
}

// The best slot that a greedy walk over the layers above `to_layer` comes to.
std::uint32_t Graph::walk_down(const Vectors& vectors, const Vectors::Rounded& query,
                               std::uint32_t to_layer) const {
    auto best = entry_;
    auto similarity = vectors.rough(query, best);
    for (auto layer = top_; layer > to_layer; --layer) {
        for (bool moved = true; moved;) {
            moved = false;
            for (const auto next : links(best, layer)) {
                if (next == kEmpty) break;
                const auto found = vectors.rough(query, next);
                if (found <= similarity) continue;
                best = next;
                similarity = found;
                moved = true;
                break;
            }
        }
    }
    return best;
}

Graph::Neighbours Graph::search_layer(const Vectors& vectors, const Vectors::Rounded& query,
                                      std::uint32_t entry, std::uint32_t layer,
                                      std::size_t width) const {
    Front front(width);
    Seen seen(size());
    seen.insert(entry);
    front.add({entry, vectors.rough(query, entry)});
    while (const auto next = front.next()) {
        // All of them are asked of the memory before the first is looked at.
        std::array<std::uint32_t, std::size_t{2} * kLinks> fresh;
        std::size_t count = 0;
        for (const auto slot : links(*next, layer)) {
            if (slot == kEmpty) break;
            if (!seen.insert(slot)) continue;
            vectors.prefetch(slot);
            fresh[count++] = slot;
        }
        for (const auto slot : std::span(fresh).first(count)) {
            const Neighbour candidate{slot, vectors.rough(query, slot)};
            if (!front.takes(candidate)) continue;
            front.add(candidate);
            __builtin_prefetch(links(slot, layer).data());
        }
    }
    return front.neighbours();
}

Graph::Neighbours Graph::choose(const Vectors& vectors, const Neighbours& candidates,
                                std::size_t most) const {
    Neighbours out;
    for (const auto& candidate : candidates) {
        if (out.size() == most) break;
        const bool is_covered = std::ranges::any_of(out, [&](const auto& chosen) {
            return vectors.rough_between(candidate.slot, chosen.slot) > candidate.similarity;
        });
        if (!is_covered) out.push_back(candidate);
    }
    // Too few directions: the nearest of the others besides.
    for (const auto& candidate : candidates) {
        if (out.size() >= most / 2) break;
        if (std::ranges::find(out, candidate.slot, &Neighbour::slot) == out.end())
            out.push_back(candidate);
    }
    return out;
}

void Graph::connect(const Vectors& vectors, std::uint32_t from, std::uint32_t to, float similarity,
                    std::uint32_t layer) {
    const auto own = links(from, layer);
    if (const auto room = std::ranges::find(own, kEmpty); room != own.end()) {
        *room = to;
        return;
    }
    Neighbours candidates{{to, similarity}};
    for (const auto slot : own) candidates.push_back({slot, vectors.rough_between(from, slot)});
    std::ranges::sort(candidates, is_better);
    const auto chosen = choose(vectors, candidates, own.size());
    std::ranges::fill(own, kEmpty);
    for (std::size_t i = 0; i < chosen.size(); ++i) own[i] = chosen[i].slot;
}

void Graph::add_slot(std::uint32_t layers) {
    lowest_.resize(lowest_.size() + 2 * kLinks, kEmpty);
    upper_at_.push_back(static_cast<std::uint32_t>(upper_.size()));
    upper_.resize(upper_.size() + std::size_t{layers} * kLinks, kEmpty);
    layers_of_.push_back(static_cast<std::uint8_t>(layers));
}

void Graph::link_next(const Vectors& vectors) {
    const auto slot = static_cast<std::uint32_t>(size());
    add_slot(graph_layers_of(slot));
    if (slot == 0)
        top_ = layers_of_[slot];
    else
        link(vectors, slot);
}

void Graph::link(const Vectors& vectors, std::uint32_t slot) {
    ++changes_;
    const std::uint32_t layers = layers_of_[slot];
    const auto query = vectors.rounded(slot);
    auto entry = walk_down(vectors, query, std::min(layers, top_));
    for (auto layer = std::min(layers, top_) + 1; layer-- > 0;) {
        const auto near = search_layer(vectors, query, entry, layer, kWidthLinking);
        const auto chosen = choose(vectors, near, kLinks);
        const auto own = links(slot, layer);
        for (std::size_t i = 0; i < chosen.size(); ++i) {
            own[i] = chosen[i].slot;
            connect(vectors, chosen[i].slot, slot, chosen[i].similarity, layer);
        }
        entry = near.front().slot;
    }
    if (layers > top_) {
        top_ = layers;
        entry_ = slot;
    }
}

std::vector<Neighbour> Graph::nearest(const Vectors& vectors, const Vectors::Rounded& query,
                                      std::size_t count, std::size_t width,
                                      const std::function<bool(std::uint32_t)>& accept) const {
    if (size() == 0) return {};
    const auto entry = walk_down(vectors, query, 0);
    auto out = search_layer(vectors, query, entry, 0, std::max(width, count));
    if (accept) std::erase_if(out, [&](const Neighbour& found) { return !accept(found.slot); });
    out.resize(std::min(out.size(), count));
    return out;
}

std::size_t Graph::bytes() const {
    return (lowest_.capacity() + upper_.capacity() + upper_at_.capacity()) * sizeof(std::uint32_t) +
           layers_of_.capacity();
}

}  // namespace ac::search
