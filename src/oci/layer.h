#pragma once
// Applies one layer of an image (OCI image-spec, layer.md; a tar, plain, gzip or zstd) to a folder.
// Strangers make layers: whatever names and links they hold, nothing outside the folder is read or
// written. What is left out: device nodes, sockets, pipes (the sandbox has its own /dev), owners
// (a guest has one user) and with them setuid and setgid bits, extended attributes. Every file is
// readable for its guest. Blocking: for the thread pool.

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace ac::oci {

// Of a whole image, unpacked.
struct UnpackLimits {
    std::uint64_t bytes_max = 10ULL << 30;
    std::uint64_t files_max = 1'000'000;
};

// Counted over all layers of an image.
struct Unpacked {
    std::uint64_t bytes = 0;
    std::uint64_t files = 0;
    std::uint64_t left_out = 0;  // devices, sockets, pipes
};

// `layer` is a file, read from its beginning. `diff_id`, where not empty, is the digest that the
// uncompressed layer must have. invalid_argument: the layer is refused or damaged; too_large;
// unavailable: the disk is full.
Result<> apply_layer(const UniqueFd& layer, const std::filesystem::path& root,
                     const std::string& diff_id, const UnpackLimits& limits, Unpacked& so_far);

}  // namespace ac::oci
