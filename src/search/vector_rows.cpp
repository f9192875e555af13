#include "search/vector_rows.h"

#include <algorithm>
#include <cmath>

namespace ac::search {

namespace {

constexpr std::size_t kWidth = 200;  // of a walk; at least half as much again as is asked for
constexpr std::size_t kNoiseSample = 256;
constexpr double kDeviationsFrom = 16;  // of fewer vectors only the mean says something

}  // namespace

void VectorRows::append(std::uint32_t slot, std::span<const float> vector) {
    if (slot >= rows_.size()) rows_.resize(slot + 1, kGone);
    rows_[slot] = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(slot);
    vectors_.append(vector);
}

bool VectorRows::link(std::size_t most) {
    for (; most > 0; --most) {
        if (graph_.link_unlinked(vectors_)) continue;
        if (graph_.size() < size())
            graph_.link_next(vectors_);
        else if (!graph_.mend_next(vectors_))
            break;
    }
    return graph_.size() < size() || graph_.needs_mending();
}

void VectorRows::renumber(const std::vector<std::uint32_t>& new_slot) {
    std::vector<bool> keep(size());
    std::vector<std::uint32_t> slots;
    std::vector<std::uint32_t> new_row(graph_.size(), kGone);
    std::size_t linked = 0;
    rows_.clear();
    for (std::size_t row = 0; row < size(); ++row) {
        const auto slot = new_slot[slots_[row]];
        if (slot == kGone) continue;
        keep[row] = true;
        if (row < graph_.size()) new_row[row] = static_cast<std::uint32_t>(linked++);
        if (slot >= rows_.size()) rows_.resize(slot + 1, kGone);
        rows_[slot] = static_cast<std::uint32_t>(slots.size());
        slots.push_back(slot);
    }
    vectors_.compact(keep);
    slots_ = std::move(slots);
    graph_.renumber(new_row, linked);
}

VectorRows::Linked VectorRows::linked() const {
    return {.rows = size(),
            .linked = graph_.size() - graph_.unlinked().size(),
            .changes = graph_.changes()};
}

VectorRows::Near VectorRows::nearest(const Vectors::Rounded& query, std::size_t count,
                                     const std::function<bool(std::uint32_t)>& accept) const {
    Near out{.noise = noise(query), .found = {}, .is_all = linked().linked == 0};
    std::function<bool(std::uint32_t)> accept_row;
    if (accept) accept_row = [&](std::uint32_t row) { return accept(slots_[row]); };
    const auto width = std::max(kWidth, count * 3 / 2);
    for (const auto& found : graph_.nearest(vectors_, query, count, width, accept_row))
        out.found.push_back({slots_[found.slot], found.similarity});
    const auto scan = [&](std::uint32_t row) {
        if (!accept || accept(slots_[row]))
            out.found.push_back({slots_[row], vectors_.rough(query, row)});
    };
    for (const auto row : graph_.unlinked()) scan(row);
    for (auto row = static_cast<std::uint32_t>(graph_.size()); row < size(); ++row) scan(row);
    return out;
}

void VectorRows::compare(const Vectors::Rounded& query, std::span<const std::uint32_t> slots,
                         const std::function<void(Found)>& visit) const {
    constexpr std::size_t kAhead = 8;  // rows on their way from memory
    for (std::size_t i = 0; i < slots.size(); ++i) {
        if (i + kAhead < slots.size() && has(slots[i + kAhead]))
            vectors_.prefetch(rows_[slots[i + kAhead]]);
        if (has(slots[i])) visit({slots[i], vectors_.rough(query, rows_[slots[i]])});
    }
}

float VectorRows::noise(const Vectors::Rounded& query) const {
    const auto step = std::max<std::size_t>(1, size() / kNoiseSample);
    double sum = 0;
    double squares = 0;
    double seen = 0;
    for (std::size_t row = 0; row < size(); row += step, ++seen) {
        const double similarity = vectors_.rough(query, static_cast<std::uint32_t>(row));
        sum += similarity;
        squares += similarity * similarity;
    }
    if (seen == 0) return 0;
    const double mean = sum / seen;
    const double deviation = std::sqrt(std::max(0.0, squares / seen - mean * mean));
    return static_cast<float>(seen < kDeviationsFrom ? mean : mean + 2 * deviation);
}

std::size_t VectorRows::bytes() const {
    return vectors_.bytes() + graph_.bytes() +
           (slots_.capacity() + rows_.capacity()) * sizeof(std::uint32_t);
}

}  // namespace ac::search
