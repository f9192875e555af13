#include "server/object_artifacts.h"

namespace ac::server {

Task<runtime::ArtifactFile> ObjectArtifacts::fetch(Scope scope,
                                                   runtime::ArtifactLocation location) {
    if (!location.version_id.empty())
        co_return fail(ErrorCode::not_implemented,
                       "code.s3.versionId: buckets here keep no versions; leave it out");
    const std::string place = "code.s3: s3://" + location.bucket + "/" + location.key + ": ";
    objects::ObjectKey key{.bucket = location.bucket, .key = location.key};
    auto found = co_await objects_.find(std::move(scope), std::move(key));
    if (!found) {
        Error error = std::move(found).error();
        error.message = place + error.message;
        error.reason.clear();
        co_return fail(std::move(error));
    }
    co_return runtime::ArtifactFile{
        .path = blobs_.path_of(found->blob), .sha256 = found->blob.sha256, .size = found->size};
}

}  // namespace ac::server
