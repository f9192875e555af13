#pragma once
// The JSON documents of an image (OCI image-spec 1.1; Docker image manifest v2, schema 2), as far
// as running one needs them. Strangers write them: everything is bounded and checked.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ac::oci {

inline constexpr std::size_t kDocumentBytesMax = 4 << 20;  // the registries' own usual bound
inline constexpr std::size_t kLayersMax = 256;

struct Descriptor {
    std::string media_type;
    std::string digest;  // "sha256:..."
    std::uint64_t size = 0;
};

struct Manifest {
    Descriptor config;
    std::vector<Descriptor> layers;  // lowest first
};

// What an image says of how it is run.
struct ImageConfig {
    std::vector<std::string> entrypoint;
    std::vector<std::string> command;
    std::vector<std::string> environment;  // "NAME=value"
    std::string user;
    std::string folder;                 // WorkingDir
    std::vector<std::string> diff_ids;  // digests of the uncompressed layers
    std::string architecture;           // in Go's terms: "amd64"
};

// Of this processor, in Go's terms.
std::string_view architecture_of_host();

// Either a manifest, or (an index) the descriptor of the one for `architecture`.
struct ManifestOrChoice {
    std::optional<Manifest> manifest;
    Descriptor choice;
};

// All errors are invalid_argument and say what is wrong.
Result<ManifestOrChoice> parse_manifest(std::string_view text, std::string_view architecture);
Result<ImageConfig> parse_config(std::string_view text);

// docker save's manifest.json: the one image in it, as names of files of the archive.
struct SavedImage {
    std::string config;
    std::vector<std::string> layers;
};
Result<SavedImage> parse_saved(std::string_view text);

}  // namespace ac::oci
