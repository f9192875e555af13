#pragma once
// Packs a source folder into a zip whose bytes depend on the files' names and contents alone:
// sorted names, no timestamps, no owners. So an unchanged project is recognised by its hash and
// neither uploaded nor built again.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/failure.h"
#include "cli/project/naming.h"

namespace ac::cli {

// AWS's documented bounds for direct code deployment.
struct ArchiveLimits {
    std::uint64_t zip_bytes_max = 250ULL << 20;
    std::uint64_t source_bytes_max = 750ULL << 20;
    std::size_t files_max = 50'000;
};

struct SourceFile {
    std::string name;            // in the archive: relative, '/' separated
    std::filesystem::path path;  // on disk
    std::uint64_t bytes = 0;
    bool executable = false;
};

struct SourceTree {
    std::vector<SourceFile> files;      // sorted by name
    std::vector<std::string> left_out;  // links that leave the folder, sockets, devices
};

// `keep` (the entry point) is packed whatever the rules say. Symbolic links to files inside the
// folder are packed as what they point to; others are left out and named.
Expected<SourceTree> collect_sources(const std::filesystem::path& folder,
                                     const std::filesystem::path& keep, ArchiveLimits limits = {});

// What is deployed of an agent: its folder, or the program alone.
Expected<SourceTree> collect_agent(const SourceLayout& layout);

// What of an OCI layout folder (image-layout.md of the image specification) belongs to it:
// oci-layout, index.json and the blobs. usage: the folder is none.
Expected<SourceTree> collect_layout(const std::filesystem::path& folder);

// Adds or replaces the file that the daemon installs dependencies from.
void set_requirements(SourceTree& tree, const std::filesystem::path& file);

struct Archive {
    std::filesystem::path path;
    std::uint64_t bytes = 0;
    std::string sha256 = {};  // hex
    std::size_t files = 0;
};

Expected<std::string> sha256_of_file(const std::filesystem::path& path);

// Write `path`; the caller removes it. The tar is not compressed: layers are.
Expected<Archive> write_archive(const SourceTree& tree, const std::filesystem::path& path,
                                ArchiveLimits limits = {});
Expected<Archive> write_tar(const SourceTree& tree, const std::filesystem::path& path);

}  // namespace ac::cli
