#pragma once
// The object store behind the S3 front: buckets, objects, uploads in parts. Rows live in the
// Database, bytes in the BlobStore; a blob is stored once however many objects hold it and is
// removed with its last reference. What was answered is durable.
//
// Errors carry a reason (types.h). Every call checks that the bucket belongs to scope.account
// (permission_denied AccessDenied). Thread-safe; every Task resumes on its caller's loop.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "objects/blob_locks.h"
#include "objects/types.h"
#include "storage/blob_store.h"
#include "storage/database.h"

namespace ac::objects {

// All outlive the store. `blobs` belongs to it alone: sweep() removes what has no row.
struct ObjectStoreParts {
    storage::Database& database;
    storage::BlobStore& blobs;
    const Clock& clock;
    Random& random;
};

class ObjectStore final {
  public:
    explicit ObjectStore(const ObjectStoreParts& parts)
        : database_(parts.database),
          blobs_(parts.blobs),
          clock_(parts.clock),
          random_(parts.random) {}
    ObjectStore(const ObjectStore&) = delete;
    ObjectStore& operator=(const ObjectStore&) = delete;

    // migrate() and sweep(). Once, before use.
    Task<> start();
    Task<> migrate();
    // Removes blobs that a crash left without an object; the number removed. Run it after each
    // start, beside normal service. conflict: the database has no bucket, though there are blobs;
    // nothing is removed, since a lost or mistaken database must not cost what it pointed to.
    Task<std::uint64_t> sweep();

    // conflict BucketAlreadyOwnedByYou, BucketAlreadyExists; invalid_argument InvalidBucketName;
    // quota_exceeded TooManyBuckets.
    Task<> create_bucket(Scope scope, std::string name);
    Task<Bucket> find_bucket(Scope scope, std::string name);  // not_found NoSuchBucket
    Task<std::vector<Bucket>> list_buckets(Scope scope);
    Task<> delete_bucket(Scope scope, std::string name);  // conflict BucketNotEmpty

    // Configurations that we keep for a bucket but do not act on. `kind` is the caller's.
    Task<> put_document(Scope scope, std::string bucket, std::string kind, std::string body);
    Task<std::optional<std::string>> find_document(Scope scope, std::string bucket,
                                                   std::string kind);
    Task<> delete_document(Scope scope, std::string bucket, std::string kind);

    // Bytes are written first, then given to put() or put_part(). Nothing is stored before that.
    Task<std::unique_ptr<storage::BlobWriter>> begin() { return blobs_.create(); }
    // `writer` has all bytes; the caller has verified what the client promised about them.
    // conflict PreconditionFailed when overwriting is forbidden and the object exists.
    Task<ObjectInfo> put(Scope scope, ObjectKey key, PutOptions options,
                         std::unique_ptr<storage::BlobWriter> writer);
    // not_found NoSuchBucket, NoSuchKey.
    Task<ObjectInfo> find(Scope scope, ObjectKey key);
    Task<OpenObject> open(Scope scope, ObjectKey key);
    // With `attributes` they replace the source's.
    Task<ObjectInfo> copy(Scope scope, ObjectKey source, ObjectKey target,
                          std::optional<Attributes> attributes);
    Task<> remove(Scope scope, ObjectKey key);  // absent is fine
    Task<ListPage> list(Scope scope, std::string bucket, ListOptions options);

    Task<std::string> create_upload(Scope scope, ObjectKey key, Attributes attributes);
    Task<Part> put_part(Scope scope, UploadKey upload, int number,
                        std::unique_ptr<storage::BlobWriter> writer);
    // invalid_argument InvalidPart, InvalidPartOrder, EntityTooSmall; not_found NoSuchUpload.
    Task<ObjectInfo> complete_upload(Scope scope, UploadKey upload,
                                     std::vector<PartChoice> choices);
    Task<> abort_upload(Scope scope, UploadKey upload);
    Task<PartPage> list_parts(Scope scope, UploadKey upload, int after, std::size_t parts_max);
    Task<std::vector<Upload>> list_uploads(Scope scope, std::string bucket, std::string prefix);

  private:
    using Garbage = std::vector<storage::BlobId>;
    struct Assembly {
        Attributes attributes;
        std::vector<Part> parts;
        std::string etag;
    };

    Task<> check_bucket(Scope scope, std::string name);
    Task<Assembly> plan_assembly(Scope scope, UploadKey upload, std::vector<PartChoice> choices);
    Task<> append(storage::BlobWriter& writer, storage::BlobId blob);
    Task<ObjectInfo> finish_upload(Scope scope, UploadKey upload, Assembly assembly,
                                   std::unique_ptr<storage::BlobWriter> writer);
    // Removes what nothing refers to any more. A failure leaves it to the next sweep().
    Task<> collect(Garbage garbage);
    Task<bool> collect_one(storage::BlobId blob);

    storage::Database& database_;
    storage::BlobStore& blobs_;
    const Clock& clock_;
    Random& random_;
    BlobLocks locks_;
};

}  // namespace ac::objects
