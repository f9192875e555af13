#include "objects/object_store.h"

#include "base/log.h"
#include "objects/limits.h"
#include "objects/rules.h"
#include "objects/store.h"

namespace ac::objects {

using storage::BlobId;
using storage::BlobInfo;
using storage::BlobReader;
using storage::BlobWriter;
using storage::Transaction;

namespace {

std::unexpected<Error> no_such_key() {
    return refuse(ErrorCode::not_found, reason::kNoSuchKey, "The specified key does not exist.");
}

}  // namespace

Task<> ObjectStore::start() {
    AC_CO_CHECK(co_await migrate());
    AC_CO_CHECK(co_await sweep());
    co_return Result<>{};
}

Task<> ObjectStore::migrate() {
    co_return co_await database_.migrate(store::migrations());
}

Task<std::uint64_t> ObjectStore::sweep() {
    auto look = [](Transaction& tx) { return store::has_buckets(tx); };
    AC_CO_TRY(const bool in_use, co_await database_.read(std::move(look)));
    std::uint64_t removed = 0;
    for (int byte = 0; byte < 256; ++byte) {
        AC_CO_TRY(const auto ids, co_await blobs_.list(static_cast<std::uint8_t>(byte)));
        if (!in_use && !ids.empty())
            co_return fail(
                ErrorCode::conflict,
                "there are blobs, but the database knows no bucket: is it the right one?");
        for (const BlobId& id : ids) {
            AC_CO_TRY(const bool gone, co_await collect_one(id));
            removed += gone ? 1 : 0;
        }
    }
    co_return removed;
}

Task<> ObjectStore::create_bucket(Scope scope, std::string name) {
    AC_CO_CHECK(rules::check_bucket_name(name));
    const Bucket bucket{.name = std::move(name),
                        .account = scope.account,
                        .region = scope.region,
                        .created = clock_.wall()};
    auto work = [bucket](Transaction& tx) { return store::insert_bucket(tx, bucket); };
    co_return co_await database_.write(std::move(work));
}

Task<Bucket> ObjectStore::find_bucket(Scope scope, std::string name) {
    auto work = [scope, name](Transaction& tx) { return store::find_bucket(tx, scope, name); };
    return database_.read(std::move(work));
}

Task<std::vector<Bucket>> ObjectStore::list_buckets(Scope scope) {
    auto work = [scope](Transaction& tx) { return store::list_buckets(tx, scope); };
    return database_.read(std::move(work));
}

Task<> ObjectStore::delete_bucket(Scope scope, std::string name) {
    auto work = [scope, name](Transaction& tx) -> Result<Garbage> {
        AC_CHECK(store::find_bucket(tx, scope, name));
        return store::delete_bucket(tx, name);
    };
    AC_CO_TRY(auto garbage, co_await database_.write(std::move(work)));
    co_return co_await collect(std::move(garbage));
}

Task<> ObjectStore::put_document(Scope scope, std::string bucket, std::string kind,
                                 std::string body) {
    auto work = [scope, bucket, kind, body](Transaction& tx) -> Result<> {
        AC_CHECK(store::find_bucket(tx, scope, bucket));
        return store::put_document(tx, bucket, kind, body);
    };
    return database_.write(std::move(work));
}

Task<std::optional<std::string>> ObjectStore::find_document(Scope scope, std::string bucket,
                                                            std::string kind) {
    auto work = [scope, bucket, kind](Transaction& tx) -> Result<std::optional<std::string>> {
        AC_CHECK(store::find_bucket(tx, scope, bucket));
        return store::find_document(tx, bucket, kind);
    };
    return database_.read(std::move(work));
}

Task<> ObjectStore::delete_document(Scope scope, std::string bucket, std::string kind) {
    auto work = [scope, bucket, kind](Transaction& tx) -> Result<> {
        AC_CHECK(store::find_bucket(tx, scope, bucket));
        return store::delete_document(tx, bucket, kind);
    };
    return database_.write(std::move(work));
}

// The lock is held from before the blob has its name until it has a reference.
Task<ObjectInfo> ObjectStore::put(Scope scope, ObjectKey key, PutOptions options,
                                  std::unique_ptr<BlobWriter> writer) {
    AC_CO_CHECK(rules::check_key(key.key));
    AC_CO_CHECK(rules::check_attributes(options.attributes));
    AC_CO_TRY(const BlobInfo blob, co_await writer->seal());
    const ObjectInfo object{.key = key.key,
                            .blob = blob.id,
                            .size = blob.size,
                            .etag = blob.md5,
                            .attributes = std::move(options.attributes),
                            .modified = clock_.wall()};
    auto work = [scope, key, object,
                 overwrite = options.overwrite](Transaction& tx) -> Result<Garbage> {
        AC_CHECK(store::find_bucket(tx, scope, key.bucket));
        if (overwrite == Overwrite::forbidden) {
            AC_TRY(const auto existing, store::find_object(tx, key));
            if (existing)
                return refuse(ErrorCode::conflict, reason::kPreconditionFailed,
                              "At least one of the pre-conditions you specified did not hold");
        }
        return store::put_object(tx, key.bucket, object);
    };
    AC_CO_TRY(const auto held, co_await locks_.lock(blob.id));
    AC_CO_CHECK(co_await writer->commit());
    auto stored = co_await database_.write(std::move(work));
    held->release();
    // A refused object may have left a blob that nothing refers to.
    Garbage garbage = stored ? *stored : Garbage(1, blob.id);
    AC_CO_CHECK(co_await collect(std::move(garbage)));
    if (!stored) co_return std::unexpected(std::move(stored).error());
    co_return object;
}

Task<ObjectInfo> ObjectStore::find(Scope scope, ObjectKey key) {
    auto work = [scope, key](Transaction& tx) -> Result<ObjectInfo> {
        AC_CHECK(store::find_bucket(tx, scope, key.bucket));
        AC_TRY(auto object, store::find_object(tx, key));
        if (!object) return no_such_key();
        return *std::move(object);
    };
    return database_.read(std::move(work));
}

// The blob may go between the row and the file when the object is replaced or deleted: look again.
Task<OpenObject> ObjectStore::open(Scope scope, ObjectKey key) {
    constexpr int kTries = 5;
    for (int i = 0; i < kTries; ++i) {
        AC_CO_TRY(ObjectInfo info, co_await find(scope, key));
        auto reader = co_await blobs_.open(info.blob);
        if (reader) co_return OpenObject{.info = std::move(info), .reader = *std::move(reader)};
        if (reader.error().code != ErrorCode::not_found)
            co_return std::unexpected(std::move(reader).error());
    }
    co_return fail(ErrorCode::internal, "the bytes of an object are missing");
}

Task<ObjectInfo> ObjectStore::copy(Scope scope, ObjectKey source, ObjectKey target,
                                   std::optional<Attributes> attributes) {
    AC_CO_CHECK(rules::check_key(target.key));
    if (attributes) {
        AC_CO_CHECK(rules::check_attributes(*attributes));
    }
    auto work = [scope, source, target, attributes,
                 now = clock_.wall()](Transaction& tx) -> Result<std::pair<ObjectInfo, Garbage>> {
        AC_CHECK(store::find_bucket(tx, scope, source.bucket));
        AC_CHECK(store::find_bucket(tx, scope, target.bucket));
        AC_TRY(auto object, store::find_object(tx, source));
        if (!object) return no_such_key();
        object->key = target.key;
        object->modified = now;
        if (attributes) object->attributes = *attributes;
        AC_TRY(auto garbage, store::put_object(tx, target.bucket, *object));
        return std::pair(*std::move(object), std::move(garbage));
    };
    AC_CO_TRY(auto copied, co_await database_.write(std::move(work)));
    AC_CO_CHECK(co_await collect(std::move(copied.second)));
    co_return std::move(copied.first);
}

Task<> ObjectStore::remove(Scope scope, ObjectKey key) {
    auto work = [scope, key](Transaction& tx) -> Result<Garbage> {
        AC_CHECK(store::find_bucket(tx, scope, key.bucket));
        return store::delete_object(tx, key);
    };
    AC_CO_TRY(auto garbage, co_await database_.write(std::move(work)));
    co_return co_await collect(std::move(garbage));
}

Task<ListPage> ObjectStore::list(Scope scope, std::string bucket, ListOptions options) {
    auto work = [scope, bucket, options](Transaction& tx) -> Result<ListPage> {
        AC_CHECK(store::find_bucket(tx, scope, bucket));
        return store::list_objects(tx, bucket, options);
    };
    return database_.read(std::move(work));
}

Task<> ObjectStore::collect(Garbage garbage) {
    for (const BlobId& blob : garbage) {
        const auto removed = co_await collect_one(blob);
        if (!removed)
            AC_LOG(warn, "a blob without references could not be removed", {"blob", blob.sha256},
                   {"reason", removed.error().message});
    }
    co_return Result<>{};
}

Task<bool> ObjectStore::collect_one(BlobId blob) {
    AC_CO_TRY(const auto held, co_await locks_.lock(blob));
    auto work = [blob](Transaction& tx) { return store::forget_if_unreferenced(tx, blob); };
    AC_CO_TRY(const bool unreferenced, co_await database_.write(std::move(work)));
    if (unreferenced) {
        AC_CO_CHECK(co_await blobs_.remove(blob));
    }
    co_return unreferenced;
}

}  // namespace ac::objects
