#pragma once
// Names of images as container tools write them (the distribution project's reference grammar).

#include <string>
#include <string_view>

#include "base/result.h"

namespace ac::oci {

struct Reference {
    std::string registry;    // "registry-1.docker.io", "localhost:5000"
    std::string repository;  // "library/python"
    std::string tag;         // "latest" where neither it nor a digest is given
    std::string digest;      // "sha256:<64 hex digits>" or empty; wins over the tag

    // What the registry's manifests are asked for.
    const std::string& version() const { return digest.empty() ? tag : digest; }
    std::string text() const;
};

// "python:3.12", "ghcr.io/owner/image@sha256:...",
// "123456789012.dkr.ecr.us-west-2.amazonaws.com/a". Without a registry it is Docker Hub's.
// invalid_argument: not a name of an image; the message says what is wrong.
Result<Reference> parse_reference(std::string_view text);

// "sha256:" and 64 lower-case hex digits; no other algorithm is used.
bool is_digest(std::string_view text);

}  // namespace ac::oci
