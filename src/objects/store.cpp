#include "objects/store.h"

#include <algorithm>
#include <array>

#include "objects/limits.h"

namespace ac::objects::store {
namespace {

using storage::Blob;
using storage::BlobId;
using storage::Params;
using storage::Row;
using storage::Rows;

// Keys are BYTEA: S3 sorts them by their bytes, TEXT sorts by the server's locale.
constexpr std::array<storage::Migration, 1> kMigrations = {
    {{.module = "objects", .version = 1, .sql = R"(
CREATE TABLE objects_buckets (
    name TEXT PRIMARY KEY, account TEXT NOT NULL, region TEXT NOT NULL, created_at BIGINT NOT NULL);
CREATE INDEX objects_buckets_by_account ON objects_buckets (account, name);
CREATE TABLE objects_documents (
    bucket TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (bucket, kind));
CREATE TABLE objects_blobs (sha256 TEXT PRIMARY KEY, refs BIGINT NOT NULL);
CREATE TABLE objects_objects (
    bucket TEXT NOT NULL, name BYTEA NOT NULL, blob TEXT NOT NULL, size BIGINT NOT NULL,
    etag TEXT NOT NULL, modified_at BIGINT NOT NULL, attributes TEXT NOT NULL,
    PRIMARY KEY (bucket, name));
CREATE TABLE objects_uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, name BYTEA NOT NULL, created_at BIGINT NOT NULL,
    attributes TEXT NOT NULL);
CREATE INDEX objects_uploads_by_bucket ON objects_uploads (bucket, name);
CREATE TABLE objects_parts (
    upload TEXT NOT NULL, number BIGINT NOT NULL, blob TEXT NOT NULL, size BIGINT NOT NULL,
    etag TEXT NOT NULL, modified_at BIGINT NOT NULL, PRIMARY KEY (upload, number)))"}}};

std::int64_t stored(WallTime time) {
    return to_epoch_ms(time);
}

Bucket bucket_of(const Row& row) {
    return {.name = row.text(0),
            .account = row.text(1),
            .region = row.text(2),
            .created = from_epoch_ms(row.integer(3))};
}

ObjectInfo object_of(const Row& row) {
    return {.key = row.blob(0),
            .blob = {row.text(1)},
            .size = static_cast<std::uint64_t>(row.integer(2)),
            .etag = row.text(3),
            .modified = from_epoch_ms(row.integer(4))};
}

Result<> add_reference(Transaction& tx, const BlobId& blob) {
    AC_CHECK(
        tx.execute("INSERT INTO objects_blobs (sha256, refs) VALUES ($1, 1) ON CONFLICT "
                   "(sha256) DO UPDATE SET refs = objects_blobs.refs + 1",
                   {blob.sha256}));
    return {};
}

Result<> drop_reference(Transaction& tx, const BlobId& blob, std::vector<BlobId>& garbage) {
    AC_TRY(const Rows rows, tx.query("UPDATE objects_blobs SET refs = refs - 1 WHERE sha256 = $1 "
                                     "RETURNING refs",
                                     {blob.sha256}));
    if (!rows.empty() && rows[0].integer(0) <= 0) garbage.push_back(blob);
    return {};
}

// Keys from `cursor` on that begin with the prefix, in order.
Result<Rows> scan(Transaction& tx, const std::string& bucket, const ListOptions& options,
                  const rules::Cursor& cursor) {
    const std::string& from = std::max(cursor.from, options.prefix);
    const bool exclusive = cursor.exclusive && cursor.from >= options.prefix;
    std::string sql =
        "SELECT name, blob, size, etag, modified_at FROM objects_objects WHERE "
        "bucket = $1 AND name ";
    sql += exclusive ? "> $2" : ">= $2";
    Params params = {bucket, Blob{from},
                     static_cast<std::int64_t>(std::min(options.keys_max, kListKeysMax) + 1)};
    const std::string end = rules::after_prefix(options.prefix);
    if (!end.empty()) {
        sql += " AND name < $4";
        params.emplace_back(Blob{end});
    }
    return tx.query(sql + " ORDER BY name LIMIT $3", params);
}

}  // namespace

std::span<const storage::Migration> migrations() {
    return kMigrations;
}

Result<> insert_bucket(Transaction& tx, const Bucket& bucket) {
    AC_TRY(const Rows owner,
           tx.query("SELECT account FROM objects_buckets WHERE name = $1", {bucket.name}));
    if (!owner.empty()) {
        if (owner[0].text(0) == bucket.account)
            return refuse(ErrorCode::conflict, reason::kBucketAlreadyOwnedByYou,
                          "Your previous request to create the named bucket succeeded and you "
                          "already own it.");
        return refuse(ErrorCode::conflict, reason::kBucketAlreadyExists,
                      "The requested bucket name is not available.");
    }
    AC_TRY(const Rows count,
           tx.query("SELECT COUNT(*) FROM objects_buckets WHERE account = $1", {bucket.account}));
    if (count[0].integer(0) >= static_cast<std::int64_t>(kBucketsMax))
        return refuse(ErrorCode::quota_exceeded, reason::kTooManyBuckets,
                      "You have attempted to create more buckets than allowed");
    AC_CHECK(
        tx.execute("INSERT INTO objects_buckets (name, account, region, created_at) VALUES "
                   "($1, $2, $3, $4)",
                   {bucket.name, bucket.account, bucket.region, stored(bucket.created)}));
    return {};
}

Result<Bucket> find_bucket(Transaction& tx, const Scope& scope, const std::string& name) {
    AC_TRY(const Rows rows,
           tx.query("SELECT name, account, region, created_at FROM objects_buckets WHERE name = $1",
                    {name}));
    if (rows.empty())
        return refuse(ErrorCode::not_found, reason::kNoSuchBucket,
                      "The specified bucket does not exist");
    Bucket bucket = bucket_of(rows[0]);
    if (bucket.account != scope.account)
        return refuse(ErrorCode::permission_denied, reason::kAccessDenied, "Access Denied");
    return bucket;
}

Result<std::vector<Bucket>> list_buckets(Transaction& tx, const Scope& scope) {
    AC_TRY(const Rows rows,
           tx.query("SELECT name, account, region, created_at FROM objects_buckets WHERE account = "
                    "$1 ORDER BY name",
                    {scope.account}));
    std::vector<Bucket> buckets;
    for (const Row& row : rows) buckets.push_back(bucket_of(row));
    return buckets;
}

Result<bool> has_buckets(Transaction& tx) {
    AC_TRY(const Rows rows, tx.query("SELECT name FROM objects_buckets LIMIT 1", {}));
    return !rows.empty();
}

Result<std::vector<BlobId>> delete_bucket(Transaction& tx, const std::string& name) {
    AC_TRY(const Rows objects,
           tx.query("SELECT size FROM objects_objects WHERE bucket = $1 LIMIT 1", {name}));
    if (!objects.empty())
        return refuse(ErrorCode::conflict, reason::kBucketNotEmpty,
                      "The bucket you tried to delete is not empty");
    AC_TRY(const Rows uploads,
           tx.query("SELECT id FROM objects_uploads WHERE bucket = $1", {name}));
    std::vector<BlobId> garbage;
    for (const Row& row : uploads) {
        AC_TRY(const auto more, delete_upload(tx, row.text(0)));
        garbage.insert(garbage.end(), more.begin(), more.end());
    }
    AC_CHECK(tx.execute("DELETE FROM objects_documents WHERE bucket = $1", {name}));
    AC_CHECK(tx.execute("DELETE FROM objects_buckets WHERE name = $1", {name}));
    return garbage;
}

Result<> put_document(Transaction& tx, const std::string& bucket, const std::string& kind,
                      const std::string& body) {
    AC_CHECK(
        tx.execute("INSERT INTO objects_documents (bucket, kind, body) VALUES ($1, $2, $3) ON "
                   "CONFLICT (bucket, kind) DO UPDATE SET body = excluded.body",
                   {bucket, kind, body}));
    return {};
}

Result<std::optional<std::string>> find_document(Transaction& tx, const std::string& bucket,
                                                 const std::string& kind) {
    AC_TRY(const Rows rows,
           tx.query("SELECT body FROM objects_documents WHERE bucket = $1 AND kind = $2",
                    {bucket, kind}));
    if (rows.empty()) return std::optional<std::string>();
    return rows[0].text(0);
}

Result<> delete_document(Transaction& tx, const std::string& bucket, const std::string& kind) {
    AC_CHECK(tx.execute("DELETE FROM objects_documents WHERE bucket = $1 AND kind = $2",
                        {bucket, kind}));
    return {};
}

Result<std::optional<ObjectInfo>> find_object(Transaction& tx, const ObjectKey& key) {
    AC_TRY(const Rows rows,
           tx.query("SELECT name, blob, size, etag, modified_at, attributes FROM objects_objects "
                    "WHERE bucket = $1 AND name = $2",
                    {key.bucket, Blob{key.key}}));
    if (rows.empty()) return std::optional<ObjectInfo>();
    ObjectInfo object = object_of(rows[0]);
    object.attributes = rules::attributes_from_text(rows[0].text(5));
    return object;
}

Result<std::vector<BlobId>> put_object(Transaction& tx, const std::string& bucket,
                                       const ObjectInfo& object) {
    std::vector<BlobId> garbage;
    AC_TRY(const Rows old,
           tx.query("SELECT blob FROM objects_objects WHERE bucket = $1 AND name = $2",
                    {bucket, Blob{object.key}}));
    AC_CHECK(add_reference(tx, object.blob));
    AC_CHECK(tx.execute(
        "INSERT INTO objects_objects (bucket, name, blob, size, etag, modified_at, attributes) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (bucket, name) DO UPDATE SET blob = "
        "excluded.blob, size = excluded.size, etag = excluded.etag, modified_at = "
        "excluded.modified_at, attributes = excluded.attributes",
        {bucket, Blob{object.key}, object.blob.sha256, static_cast<std::int64_t>(object.size),
         object.etag, stored(object.modified), rules::attributes_to_text(object.attributes)}));
    if (!old.empty()) AC_CHECK(drop_reference(tx, {old[0].text(0)}, garbage));
    return garbage;
}

Result<std::vector<BlobId>> delete_object(Transaction& tx, const ObjectKey& key) {
    std::vector<BlobId> garbage;
    AC_TRY(const Rows old, tx.query("DELETE FROM objects_objects WHERE bucket = $1 AND name = $2 "
                                    "RETURNING blob",
                                    {key.bucket, Blob{key.key}}));
    if (!old.empty()) AC_CHECK(drop_reference(tx, {old[0].text(0)}, garbage));
    return garbage;
}

// With a delimiter, keys under one common prefix count as one entry: the scan jumps over them.
Result<ListPage> list_objects(Transaction& tx, const std::string& bucket,
                              const ListOptions& options) {
    AC_TRY(rules::Cursor cursor, rules::start_of(options));
    const std::size_t keys_max = std::min(options.keys_max, kListKeysMax);
    ListPage page;
    std::size_t entries = 0;
    bool at_end = keys_max == 0;
    while (!at_end) {
        AC_TRY(const Rows rows, scan(tx, bucket, options, cursor));
        at_end = rows.size() <= keys_max;
        for (const Row& row : rows) {
            const std::string& key = row.blob(0);
            if (!cursor.exclusive && key < cursor.from) continue;
            if (entries == keys_max) {
                page.truncated = true;
                page.next_token = rules::to_token(cursor);
                return page;
            }
            const auto prefix = rules::common_prefix(key, options.prefix, options.delimiter);
            if (prefix.empty()) {
                page.objects.push_back(object_of(row));
                cursor = {.from = key, .exclusive = true};
            } else {
                page.common_prefixes.emplace_back(prefix);
                cursor = {.from = rules::after_prefix(prefix), .exclusive = false};
            }
            page.next_marker = prefix.empty() ? key : std::string(prefix);
            ++entries;
            if (!cursor.exclusive && cursor.from.empty()) return page;  // nothing sorts above
        }
    }
    return page;
}

Result<> insert_upload(Transaction& tx, const std::string& bucket, const Upload& upload,
                       const Attributes& attributes) {
    AC_TRY(const Rows count,
           tx.query("SELECT COUNT(*) FROM objects_uploads WHERE bucket = $1", {bucket}));
    if (count[0].integer(0) >= static_cast<std::int64_t>(kUploadsMax))
        return refuse(ErrorCode::quota_exceeded, "ServiceUnavailable",
                      "The bucket has too many unfinished uploads");
    AC_CHECK(
        tx.execute("INSERT INTO objects_uploads (id, bucket, name, created_at, attributes) "
                   "VALUES ($1, $2, $3, $4, $5)",
                   {upload.id, bucket, Blob{upload.key}, stored(upload.created),
                    rules::attributes_to_text(attributes)}));
    return {};
}

Result<StoredUpload> find_upload(Transaction& tx, const UploadKey& key) {
    AC_TRY(const Rows rows, tx.query("SELECT name, attributes FROM objects_uploads WHERE id = $1 "
                                     "AND bucket = $2 AND name = $3",
                                     {key.upload_id, key.bucket, Blob{key.key}}));
    if (rows.empty())
        return refuse(ErrorCode::not_found, reason::kNoSuchUpload,
                      "The specified upload does not exist. The upload ID may be invalid, or the "
                      "upload may have been aborted or completed.");
    return StoredUpload{.key = rows[0].blob(0),
                        .attributes = rules::attributes_from_text(rows[0].text(1))};
}

Result<std::vector<Upload>> list_uploads(Transaction& tx, const std::string& bucket,
                                         const std::string& prefix) {
    AC_TRY(const Rows rows,
           tx.query("SELECT id, name, created_at FROM objects_uploads WHERE bucket = $1 AND name "
                    ">= $2 ORDER BY name, created_at LIMIT $3",
                    {bucket, Blob{prefix}, static_cast<std::int64_t>(kListKeysMax)}));
    std::vector<Upload> uploads;
    for (const Row& row : rows) {
        if (!row.blob(1).starts_with(prefix)) break;
        uploads.push_back(
            {.id = row.text(0), .key = row.blob(1), .created = from_epoch_ms(row.integer(2))});
    }
    return uploads;
}

Result<std::vector<BlobId>> put_part(Transaction& tx, const std::string& upload_id,
                                     const Part& part) {
    std::vector<BlobId> garbage;
    const auto number = static_cast<std::int64_t>(part.number);
    AC_TRY(const Rows old,
           tx.query("SELECT blob FROM objects_parts WHERE upload = $1 AND number = $2",
                    {upload_id, number}));
    AC_CHECK(add_reference(tx, part.blob));
    AC_CHECK(tx.execute(
        "INSERT INTO objects_parts (upload, number, blob, size, etag, modified_at) VALUES ($1, $2, "
        "$3, $4, $5, $6) ON CONFLICT (upload, number) DO UPDATE SET blob = excluded.blob, size = "
        "excluded.size, etag = excluded.etag, modified_at = excluded.modified_at",
        {upload_id, number, part.blob.sha256, static_cast<std::int64_t>(part.size), part.etag,
         stored(part.modified)}));
    if (!old.empty()) AC_CHECK(drop_reference(tx, {old[0].text(0)}, garbage));
    return garbage;
}

Result<std::vector<Part>> list_parts(Transaction& tx, const std::string& upload_id, int after,
                                     std::size_t parts_max) {
    AC_TRY(const Rows rows,
           tx.query("SELECT number, blob, size, etag, modified_at FROM objects_parts WHERE upload "
                    "= $1 AND number > $2 ORDER BY number LIMIT $3",
                    {upload_id, static_cast<std::int64_t>(after),
                     static_cast<std::int64_t>(parts_max)}));
    std::vector<Part> parts;
    for (const Row& row : rows)
        parts.push_back({.number = static_cast<int>(row.integer(0)),
                         .blob = {row.text(1)},
                         .size = static_cast<std::uint64_t>(row.integer(2)),
                         .etag = row.text(3),
                         .modified = from_epoch_ms(row.integer(4))});
    return parts;
}

Result<std::vector<BlobId>> delete_upload(Transaction& tx, const std::string& upload_id) {
    std::vector<BlobId> garbage;
    AC_TRY(const Rows parts,
           tx.query("DELETE FROM objects_parts WHERE upload = $1 RETURNING blob", {upload_id}));
    for (const Row& row : parts) AC_CHECK(drop_reference(tx, {row.text(0)}, garbage));
    AC_CHECK(tx.execute("DELETE FROM objects_uploads WHERE id = $1", {upload_id}));
    return garbage;
}

Result<bool> forget_if_unreferenced(Transaction& tx, const BlobId& blob) {
    AC_CHECK(
        tx.execute("DELETE FROM objects_blobs WHERE sha256 = $1 AND refs <= 0", {blob.sha256}));
    AC_TRY(const Rows rows,
           tx.query("SELECT refs FROM objects_blobs WHERE sha256 = $1", {blob.sha256}));
    return rows.empty();
}

}  // namespace ac::objects::store
