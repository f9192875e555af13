#pragma once
// Connects runtime's port to registries and to the object store: a containerUri is the name of an
// image in a registry, or s3://bucket/key of an archive (docker save, OCI layout).

#include "models/key_source.h"
#include "oci/image_store.h"
#include "runtime/artifact_source.h"
#include "runtime/image_source.h"
#include "server/registries_config.h"

namespace ac::server {

class ContainerImages final : public runtime::ImageSource {
  public:
    struct Parts {
        runtime::ArtifactSource& artifacts;
        net::Outbound& outbound;
        models::KeySource& keys;
        ThreadPool& pool;
        Random& random;
        const Clock& clock;
        std::filesystem::path folder;
        Registries registries;
    };
    // All of `parts` outlives it. Makes the folder.
    static Result<std::unique_ptr<ContainerImages>> open(Parts parts);

    Task<runtime::Image> fetch(Scope scope, std::string uri,
                               std::function<void(const std::string&)> note) override;
    Result<> keep_only(const std::vector<std::string>& roots) override {
        return store_.keep_only({roots.begin(), roots.end()});
    }

  private:
    explicit ContainerImages(Parts parts);
    Task<oci::StoredImage> from_registry(std::string uri, oci::Note note);
    Task<oci::StoredImage> from_bucket(Scope scope, std::string uri, oci::Note note);
    Task<std::optional<oci::Credentials>> credentials(std::string registry);

    const Parts parts_;
    oci::ImageStore store_;
};

}  // namespace ac::server
