#pragma once
// Images, unpacked and ready to run, kept by the digest of their configuration:
//   <folder>/<64 hex digits>/root  config.json      <folder>/tmp
// What a registry or an archive holds is checked against its digests on the way in.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "async/thread_pool.h"
#include "base/random.h"
#include "oci/layer.h"
#include "oci/manifest.h"
#include "oci/registry.h"

namespace ac::oci {

struct StoredImage {
    std::string id;  // hex, of the configuration
    std::filesystem::path root;
    ImageConfig config;
};

// Told of progress, a line each.
using Note = std::function<void(const std::string&)>;

// On one loop. Everything given outlives the store.
class ImageStore final {
  public:
    ImageStore(ThreadPool& pool, Random& random, std::filesystem::path folder,
               UnpackLimits limits = {});

    // Makes the folders; removes what was under way when the service ended.
    Result<> prepare();

    // Removes all other images, on the pool. While none of what follows is under way.
    Result<> keep_only(const std::vector<std::filesystem::path>& roots);

    // invalid_argument: what came is no image, not for this processor, or is refused; too_large;
    // Pull's errors.
    Task<StoredImage> from_registry(Pull& pull, std::string version, Note note);
    // A tar as `docker save` or `skopeo copy ... oci-archive:` writes it.
    Task<StoredImage> from_archive(std::filesystem::path archive, Note note);

  private:
    Task<StoredImage> keep(std::string config_text, std::filesystem::path scratch,
                           std::vector<std::string> layers, Note note);
    Result<std::filesystem::path> new_folder();

    ThreadPool& pool_;
    Random& random_;
    const std::filesystem::path folder_;
    const UnpackLimits limits_;
};

}  // namespace ac::oci
