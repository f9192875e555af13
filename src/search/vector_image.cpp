// A graph for keeping outside: which row is which is told by keys and fingerprints, so that it can
// be read into rows of another order, and of others besides.
//
//   version, dimensions, rows, 4 bytes each, least significant byte first
//   the key, then the fingerprint of each row's vector, 8 bytes each; the links (graph_bytes.cpp)
#include <cstring>

#include "search/vector_rows.h"

namespace ac::search {

namespace {

constexpr std::uint32_t kVersion = 1;

struct Head {
    std::uint32_t version = 0;
    std::uint32_t dimensions = 0;
    std::uint32_t rows = 0;
};
struct Identity {
    std::int64_t key = 0;
    std::uint64_t fingerprint = 0;
};

template <class Item>
void append_item(std::string& out, const Item& item) {
    out.append(reinterpret_cast<const char*>(&item), sizeof item);
}

// There are enough bytes.
template <class Item>
Item take_item(std::string_view& bytes) {
    Item out;
    std::memcpy(&out, bytes.data(), sizeof out);
    bytes.remove_prefix(sizeof out);
    return out;
}

}  // namespace

std::string VectorRows::image(const std::function<std::int64_t(std::uint32_t)>& key) const {
    std::string out;
    out.reserve(sizeof(Head) + graph_.size() * sizeof(Identity) + graph_.bytes());
    append_item(out, Head{.version = kVersion,
                          .dimensions = static_cast<std::uint32_t>(dimensions()),
                          .rows = static_cast<std::uint32_t>(graph_.size())});
    for (std::uint32_t row = 0; row < graph_.size(); ++row)
        append_item(out, Identity{key(slots_[row]), vectors_.fingerprint(row)});
    graph_.write(out);
    return out;
}

Result<VectorRows::Restored> VectorRows::restored(
    std::string_view image, const std::function<std::uint32_t(std::int64_t)>& slot) const {
    if (image.size() < sizeof(Head))
        return fail(ErrorCode::invalid_argument, "no graph: it ends early");
    const auto head = take_item<Head>(image);
    if (head.version != kVersion || head.dimensions != dimensions())
        return fail(ErrorCode::invalid_argument, "no graph: another version or dimension");
    if (image.size() / sizeof(Identity) < head.rows)
        return fail(ErrorCode::invalid_argument, "no graph: it ends early");
    std::vector<std::uint32_t> new_row(head.rows, kGone);
    std::vector<bool> is_taken(size());
    Restored out;
    std::size_t count = 0;
    for (auto& row : new_row) {
        const auto [key, fingerprint] = take_item<Identity>(image);
        const auto at = slot(key);
        if (!has(at) || is_taken[rows_[at]] || vectors_.fingerprint(rows_[at]) != fingerprint)
            continue;
        row = rows_[at];
        is_taken[row] = true;
        count = std::max(count, std::size_t{row} + 1);
        ++out.rows;
    }
    AC_TRY(out.graph, Graph::read(image, head.rows));
    out.graph.renumber(new_row, count);
    return out;
}

}  // namespace ac::search
