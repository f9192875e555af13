// A graph's links as bytes: four bytes a number, least significant first.
//
//   the number of links a slot and layer, the entry, the top layer, 4 bytes each
//   the layers of each slot above the lowest, a byte each
//   the links on the lowest layer, of each slot; then those on the layers above, of each slot
#include <algorithm>
#include <bit>
#include <cstring>

#include "search/graph.h"

namespace ac::search {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::size_t kHeadNumbers = 3;

template <class Item>
void append(std::string& out, std::span<const Item> items) {
    out.append(reinterpret_cast<const char*>(items.data()), items.size_bytes());
}

template <class Item>
std::vector<Item> take(std::string_view& bytes, std::size_t count) {
    std::vector<Item> out(count);
    if (count > 0) std::memcpy(out.data(), bytes.data(), count * sizeof(Item));
    bytes.remove_prefix(count * sizeof(Item));
    return out;
}

std::unexpected<Error> unsound(const char* what) {
    return fail(ErrorCode::invalid_argument, std::string("no graph: ") + what);
}

}  // namespace

void Graph::write(std::string& out) const {
    const std::uint32_t head[kHeadNumbers] = {kLinks, entry_, top_};
    append(out, std::span<const std::uint32_t>(head));
    append(out, std::span<const std::uint8_t>(layers_of_));
    append(out, std::span<const std::uint32_t>(lowest_));
    append(out, std::span<const std::uint32_t>(upper_));
}

Result<Graph> Graph::read(std::string_view bytes, std::size_t slots) {
    constexpr auto kHeadBytes = kHeadNumbers * sizeof(std::uint32_t);
    constexpr auto kSlotBytes = 1 + 2 * kLinks * sizeof(std::uint32_t);
    if (slots == 0 || slots >= kGone) return unsound("of no slots");
    if (bytes.size() < kHeadBytes || (bytes.size() - kHeadBytes) / kSlotBytes < slots)
        return unsound("it ends early");
    const auto head = take<std::uint32_t>(bytes, kHeadNumbers);
    if (head[0] != kLinks) return unsound("another number of links");
    Graph out;
    out.entry_ = head[1];
    out.top_ = head[2];
    out.layers_of_ = take<std::uint8_t>(bytes, slots);
    std::size_t upper = 0;
    for (const auto layers : out.layers_of_) {
        if (layers > kLayersMax) return unsound("too many layers");
        out.upper_at_.push_back(static_cast<std::uint32_t>(upper));
        upper += std::size_t{layers} * kLinks;
    }
    if (upper >= kGone) return unsound("too many links");
    if (bytes.size() != (slots * 2 * kLinks + upper) * sizeof(std::uint32_t))
        return unsound("its size is not that of its links");
    out.lowest_ = take<std::uint32_t>(bytes, slots * 2 * kLinks);
    out.upper_ = take<std::uint32_t>(bytes, upper);
    if (!out.is_sound()) return unsound("links that lead nowhere");
    return out;
}

// What walks rely on: links lead to slots that are on the layer, and stand before empty room.
bool Graph::is_sound() const {
    if (entry_ >= size() || layers_of_[entry_] != top_) return false;
    for (std::uint32_t slot = 0; slot < size(); ++slot) {
        for (std::uint32_t layer = 0; layer <= layers_of_[slot]; ++layer) {
            const auto own = links(slot, layer);
            const auto end = std::ranges::find(own, kEmpty);
            const auto leads = [&](std::uint32_t link) {
                return link < size() && link != slot && layers_of_[link] >= layer;
            };
            if (!std::all_of(own.begin(), end, leads)) return false;
            if (std::any_of(end, own.end(), [](auto link) { return link != kEmpty; })) return false;
        }
    }
    return true;
}

}  // namespace ac::search
