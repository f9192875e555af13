#pragma once
// Connects runtime's narrow port to the object store: an agent's zip is an object.

#include "objects/object_store.h"
#include "runtime/artifact_source.h"
#include "storage/blob_store.h"

namespace ac::server {

class ObjectArtifacts final : public runtime::ArtifactSource {
  public:
    // Both outlive it.
    ObjectArtifacts(objects::ObjectStore& objects, storage::BlobStore& blobs)
        : objects_(objects), blobs_(blobs) {}
    Task<runtime::ArtifactFile> fetch(Scope scope, runtime::ArtifactLocation location) override;

  private:
    objects::ObjectStore& objects_;
    storage::BlobStore& blobs_;
};

}  // namespace ac::server
