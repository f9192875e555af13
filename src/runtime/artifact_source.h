#pragma once
// Where the zip of an agent comes from. The composition root connects this to the object store:
// a bucket and a key become a local file that does not change.

#include <cstdint>
#include <filesystem>
#include <string>

#include "async/task.h"
#include "base/ids.h"

namespace ac::runtime {

struct ArtifactLocation {
    std::string bucket;
    std::string key;         // the API's `prefix`
    std::string version_id;  // empty: the newest
};

struct ArtifactFile {
    std::filesystem::path path;
    std::string sha256;  // hex, of its bytes
    std::uint64_t size = 0;
};

class ArtifactSource {
  public:
    virtual ~ArtifactSource() = default;
    // not_found: no such bucket, key or version (the message says which). Thread-safe.
    virtual Task<ArtifactFile> fetch(Scope scope, ArtifactLocation location) = 0;
};

}  // namespace ac::runtime
