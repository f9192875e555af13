// How a graph outlives changes of its slots' numbers: what is gone is left out of the lists of the
// others, which are then mended one by one. Linking anew costs thousands of comparisons a slot,
// mending some hundreds.
#include <algorithm>

#include "search/graph.h"

namespace ac::search {

namespace {

constexpr std::size_t kDamagedShare = 4;  // of its links: who lost one in so many is mended

bool has(std::span<const std::uint32_t> links, std::uint32_t slot) {
    return std::ranges::find(links, slot) != links.end();
}

}  // namespace

// The room of a link that led to something gone is given to a neighbour of that.
Graph::Carried Graph::carry(const Graph& from, std::span<const std::uint32_t> new_slot,
                            std::uint32_t slot, std::uint32_t layer) {
    const auto self = new_slot[slot];
    const auto old = from.links(slot, layer);
    const auto own = links(self, layer);
    Carried out;
    std::size_t filled = 0;
    for (const auto link : old) {
        if (link == kEmpty) break;
        ++out.links;
        if (new_slot[link] == kGone)
            ++out.lost;
        else
            own[filled++] = new_slot[link];
    }
    for (std::size_t i = 0; i < out.links && filled < out.links; ++i) {
        if (new_slot[old[i]] != kGone) continue;
        for (const auto beyond : from.links(old[i], layer)) {
            if (beyond == kEmpty) break;
            const auto found = new_slot[beyond];
            if (found == kGone || found == self || has(own, found)) continue;
            own[filled++] = found;
            break;
        }
    }
    return out;
}

void Graph::renumber(std::span<const std::uint32_t> new_slot, std::size_t count) {
    Graph out;
    out.changes_ = changes_;
    std::vector<std::uint32_t> old_slot(count, kGone);
    for (std::uint32_t slot = 0; slot < size(); ++slot) {
        if (new_slot[slot] == kGone)
            ++out.changes_;
        else
            old_slot[new_slot[slot]] = slot;
    }
    out.lowest_.reserve(count * 2 * kLinks);
    out.upper_.reserve(upper_.size());
    for (std::uint32_t slot = 0; slot < count; ++slot)
        out.add_slot(old_slot[slot] == kGone ? graph_layers_of(slot) : layers_of_[old_slot[slot]]);
    for (std::uint32_t slot = 0; slot < count; ++slot) {
        const auto old = old_slot[slot];
        if (old == kGone) {
            out.unlinked_.push_back(slot);
            continue;
        }
        for (std::uint32_t layer = 1; layer <= layers_of_[old]; ++layer)
            out.carry(*this, new_slot, old, layer);
        const auto carried = out.carry(*this, new_slot, old, 0);
        if (out.links(slot, 0).front() == kEmpty)
            out.unlinked_.push_back(slot);
        else if (carried.lost * kDamagedShare >= carried.links)
            out.damaged_.push_back(slot);
    }
    out.drop_links_to_unlinked();
    *this = out.choose_entry() ? std::move(out) : Graph();
}

// So that no walk comes to what the owner scans. Who is left without links is scanned, too.
void Graph::drop_links_to_unlinked() {
    std::vector<bool> is_unlinked(size());
    for (std::size_t known = 0; known < unlinked_.size();) {
        for (; known < unlinked_.size(); ++known) is_unlinked[unlinked_[known]] = true;
        for (std::uint32_t slot = 0; slot < size(); ++slot) {
            for (std::uint32_t layer = 0; layer <= layers_of_[slot]; ++layer) {
                const auto own = links(slot, layer);
                if (is_unlinked[slot])
                    std::ranges::fill(own, kEmpty);
                else
                    std::ranges::fill(std::ranges::remove_if(own,
                                                             [&](std::uint32_t link) {
                                                                 return link != kEmpty &&
                                                                        is_unlinked[link];
                                                             }),
                                      kEmpty);
            }
            if (is_unlinked[slot] || links(slot, 0).front() != kEmpty) continue;
            unlinked_.push_back(slot);
        }
    }
    std::erase_if(damaged_, [&](std::uint32_t slot) { return is_unlinked[slot]; });
}

// False: nothing is linked.
bool Graph::choose_entry() {
    bool is_found = false;
    for (std::uint32_t slot = 0; slot < size(); ++slot) {
        if (links(slot, 0).front() == kEmpty || (is_found && layers_of_[slot] <= top_)) continue;
        is_found = true;
        entry_ = slot;
        top_ = layers_of_[slot];
    }
    return is_found;
}

bool Graph::link_unlinked(const Vectors& vectors) {
    if (unlinked_.empty()) return false;
    const auto slot = unlinked_.back();
    unlinked_.pop_back();
    link(vectors, slot);
    return true;
}

bool Graph::mend_next(const Vectors& vectors) {
    if (damaged_.empty()) return false;
    const auto slot = damaged_.back();
    damaged_.pop_back();
    for (std::uint32_t layer = 0; layer <= layers_of_[slot]; ++layer) mend(vectors, slot, layer);
    ++changes_;
    return true;
}

Graph::Neighbours Graph::around(const Vectors& vectors, std::uint32_t slot,
                                std::uint32_t layer) const {
    std::vector<std::uint32_t> near;
    for (const auto link : links(slot, layer)) {
        if (link == kEmpty) break;
        near.push_back(link);
        for (const auto beyond : links(link, layer)) {
            if (beyond == kEmpty) break;
            if (beyond != slot) near.push_back(beyond);
        }
    }
    std::ranges::sort(near);
    const auto repeated = std::ranges::unique(near);
    near.erase(repeated.begin(), repeated.end());
    for (const auto one : near) vectors.prefetch(one);
    Neighbours out;
    for (const auto one : near) out.push_back({one, vectors.rough_between(slot, one)});
    std::ranges::sort(out, is_better);
    return out;
}

void Graph::mend(const Vectors& vectors, std::uint32_t slot, std::uint32_t layer) {
    const auto own = links(slot, layer);
    const std::vector<std::uint32_t> before(own.begin(), std::ranges::find(own, kEmpty));
    const auto chosen = choose(vectors, around(vectors, slot, layer), kLinks);
    std::ranges::fill(own, kEmpty);
    std::size_t filled = 0;
    for (const auto& one : chosen) own[filled++] = one.slot;
    for (const auto link : before)
        if (filled < own.size() && !has(own, link)) own[filled++] = link;
    for (const auto& one : chosen)
        if (!has(links(one.slot, layer), slot))
            connect(vectors, one.slot, slot, one.similarity, layer);
}

}  // namespace ac::search
