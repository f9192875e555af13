// Any bytes as the image of a graph, and images of which some bytes are others: what is accepted
// can be walked, linked and renumbered.
#include <cstring>

#include "search/vector_rows.h"

namespace {

constexpr std::size_t kDimensions = 4;
constexpr std::uint32_t kRows = 20;
constexpr std::size_t kPatchBytes = 3;  // where, in two bytes, and what

ac::search::VectorRows some_rows() {
    ac::search::VectorRows out(kDimensions);
    for (std::uint32_t row = 0; row < kRows; ++row) {
        const float vector[kDimensions] = {1, static_cast<float>(row % 7),
                                           static_cast<float>(row % 5), static_cast<float>(row)};
        out.append(row, vector);
    }
    return out;
}

std::string image_of(std::span<const std::uint8_t> patches) {
    static const auto whole = [] {
        auto rows = some_rows();
        while (rows.link(kRows)) {
        }
        return rows.image([](std::uint32_t slot) { return std::int64_t{slot}; });
    }();
    auto out = whole;
    for (; patches.size() >= kPatchBytes; patches = patches.subspan(kPatchBytes))
        out[(patches[0] << 8 | patches[1]) % out.size()] = static_cast<char>(patches[2]);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::span rest(data + 1, size - 1);
    const auto image = data[0] % 2 == 0
                           ? image_of(rest)
                           : std::string(reinterpret_cast<const char*>(rest.data()), rest.size());
    auto rows = some_rows();
    const auto slot = [](std::int64_t key) {
        return key >= 0 && key < kRows ? static_cast<std::uint32_t>(key)
                                       : ac::search::VectorRows::kGone;
    };
    auto made = rows.restored(image, slot);
    if (!made) return 0;
    rows.take(std::move(made->graph));
    const float components[kDimensions] = {1, 2, 3, 4};
    const auto query = ac::search::Vectors::rounded(components);
    (void)rows.nearest(query, 10, {});
    std::vector<std::uint32_t> new_slot(kRows, ac::search::VectorRows::kGone);
    for (std::uint32_t row = 0; row < kRows; row += 2) new_slot[row] = row / 2;
    rows.renumber(new_slot);
    while (rows.link(kRows)) {
    }
    for (const auto& found : rows.nearest(query, 10, {}).found)
        if (found.slot >= kRows / 2) __builtin_trap();
    return 0;
}
