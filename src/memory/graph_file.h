#pragma once
// The file that keeps the graph of one space's vectors over a restart
// (docs/formats/memory-graphs.md): derived data, which may be missing, older than the records, or
// damaged.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ac::memory {

// `embedder`: the name of what made the vectors.
std::string graph_file_text(std::string_view embedder, std::string_view image);
// The image, a part of `text`. invalid_argument: damaged, of another version or another embedder.
Result<std::string_view> image_of_graph_file(std::string_view text, std::string_view embedder);

std::string graph_file_name(std::int64_t memory, std::string_view space);
// nullopt: a file of that name is none of ours.
std::optional<std::int64_t> memory_of_graph_file(std::string_view name);

// Removes the folder's graph files for which `is_wanted` is false, and what interrupted writes
// left.
Result<> remove_graph_files(const std::filesystem::path& folder,
                            const std::function<bool(const std::string& name)>& is_wanted);

}  // namespace ac::memory
