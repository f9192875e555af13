#pragma once
// All SQL of the object store. Every function is a step of a transaction; rules that need the
// database (who owns a bucket, when a blob is garbage) are kept here.

#include <span>

#include "objects/rules.h"
#include "objects/types.h"
#include "storage/database.h"

namespace ac::objects::store {

using storage::Transaction;

std::span<const storage::Migration> migrations();

// conflict: BucketAlreadyOwnedByYou, BucketAlreadyExists; quota_exceeded: TooManyBuckets.
Result<> insert_bucket(Transaction& tx, const Bucket& bucket);
// not_found NoSuchBucket; permission_denied AccessDenied.
Result<Bucket> find_bucket(Transaction& tx, const Scope& scope, const std::string& name);
Result<std::vector<Bucket>> list_buckets(Transaction& tx, const Scope& scope);
Result<bool> has_buckets(Transaction& tx);  // of any account
// conflict BucketNotEmpty. Returns blobs of abandoned uploads that are garbage now.
Result<std::vector<storage::BlobId>> delete_bucket(Transaction& tx, const std::string& name);

Result<> put_document(Transaction& tx, const std::string& bucket, const std::string& kind,
                      const std::string& body);
Result<std::optional<std::string>> find_document(Transaction& tx, const std::string& bucket,
                                                 const std::string& kind);
Result<> delete_document(Transaction& tx, const std::string& bucket, const std::string& kind);

Result<std::optional<ObjectInfo>> find_object(Transaction& tx, const ObjectKey& key);
// Replaces what was there. Returns the blobs that are garbage now.
Result<std::vector<storage::BlobId>> put_object(Transaction& tx, const std::string& bucket,
                                                const ObjectInfo& object);
Result<std::vector<storage::BlobId>> delete_object(Transaction& tx, const ObjectKey& key);
Result<ListPage> list_objects(Transaction& tx, const std::string& bucket,
                              const ListOptions& options);

struct StoredUpload {
    std::string key;
    Attributes attributes;
};
// quota_exceeded when the bucket has too many.
Result<> insert_upload(Transaction& tx, const std::string& bucket, const Upload& upload,
                       const Attributes& attributes);
Result<StoredUpload> find_upload(Transaction& tx, const UploadKey& key);  // NoSuchUpload
Result<std::vector<Upload>> list_uploads(Transaction& tx, const std::string& bucket,
                                         const std::string& prefix);
Result<std::vector<storage::BlobId>> put_part(Transaction& tx, const std::string& upload_id,
                                              const Part& part);
Result<std::vector<Part>> list_parts(Transaction& tx, const std::string& upload_id, int after,
                                     std::size_t parts_max);
Result<std::vector<storage::BlobId>> delete_upload(Transaction& tx, const std::string& upload_id);

// True when the blob has no references; it is then forgotten.
Result<bool> forget_if_unreferenced(Transaction& tx, const storage::BlobId& blob);

}  // namespace ac::objects::store
