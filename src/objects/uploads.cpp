// Uploads in parts. Each part is a blob with a reference; completing an upload writes the object's
// bytes once more as one blob, so that readers and tools see one file.

#include <fmt/format.h>

#include <algorithm>

#include "objects/limits.h"
#include "objects/object_store.h"
#include "objects/rules.h"
#include "objects/store.h"

namespace ac::objects {

using storage::BlobId;
using storage::BlobInfo;
using storage::BlobWriter;
using storage::Transaction;

namespace {

Result<std::vector<Part>> chosen_parts(const std::vector<Part>& stored,
                                       const std::vector<PartChoice>& choices) {
    std::vector<Part> chosen;
    for (const PartChoice& choice : choices) {
        if (!chosen.empty() && choice.number <= chosen.back().number)
            return refuse(ErrorCode::invalid_argument, reason::kInvalidPartOrder,
                          "The list of parts was not in ascending order. Parts must be ordered by "
                          "part number.");
        const auto part = std::ranges::find(stored, choice.number, &Part::number);
        if (part == stored.end() || part->etag != choice.etag)
            return refuse(ErrorCode::invalid_argument, reason::kInvalidPart,
                          fmt::format("Part {} could not be found, or its entity tag does not "
                                      "match.",
                                      choice.number));
        chosen.push_back(*part);
    }
    std::uint64_t total = 0;
    for (const Part& part : chosen) {
        total += part.size;
        if (part.size < kPartBytesMin && &part != &chosen.back())
            return refuse(ErrorCode::invalid_argument, reason::kEntityTooSmall,
                          "Your proposed upload is smaller than the minimum allowed size");
    }
    if (total > kObjectBytesMax)
        return refuse(ErrorCode::too_large, reason::kEntityTooLarge,
                      "Your proposed upload exceeds the maximum allowed size");
    return chosen;
}

}  // namespace

Task<std::string> ObjectStore::create_upload(Scope scope, ObjectKey key, Attributes attributes) {
    AC_CO_CHECK(rules::check_key(key.key));
    AC_CO_CHECK(rules::check_attributes(attributes));
    const Upload upload{
        .id = random_alphanumeric(random_, 48), .key = key.key, .created = clock_.wall()};
    auto work = [scope, bucket = key.bucket, upload, attributes](Transaction& tx) -> Result<> {
        AC_CHECK(store::find_bucket(tx, scope, bucket));
        return store::insert_upload(tx, bucket, upload, attributes);
    };
    AC_CO_CHECK(co_await database_.write(std::move(work)));
    co_return upload.id;
}

Task<Part> ObjectStore::put_part(Scope scope, UploadKey upload, int number,
                                 std::unique_ptr<BlobWriter> writer) {
    if (number < 1 || number > kPartNumberMax)
        co_return refuse(ErrorCode::invalid_argument, reason::kInvalidArgument,
                         "Part number must be an integer between 1 and 10000, inclusive");
    AC_CO_TRY(const BlobInfo blob, co_await writer->seal());
    const Part part{.number = number,
                    .blob = blob.id,
                    .size = blob.size,
                    .etag = blob.md5,
                    .modified = clock_.wall()};
    auto work = [scope, upload, part](Transaction& tx) -> Result<Garbage> {
        AC_CHECK(store::find_bucket(tx, scope, upload.bucket));
        AC_CHECK(store::find_upload(tx, upload));
        return store::put_part(tx, upload.upload_id, part);
    };
    AC_CO_TRY(const auto held, co_await locks_.lock(blob.id));
    AC_CO_CHECK(co_await writer->commit());
    auto stored = co_await database_.write(std::move(work));
    held->release();
    Garbage garbage = stored ? *stored : Garbage(1, blob.id);
    AC_CO_CHECK(co_await collect(std::move(garbage)));
    if (!stored) co_return std::unexpected(std::move(stored).error());
    co_return part;
}

Task<ObjectInfo> ObjectStore::complete_upload(Scope scope, UploadKey upload,
                                              std::vector<PartChoice> choices) {
    AC_CO_TRY(Assembly assembly, co_await plan_assembly(scope, upload, std::move(choices)));
    AC_CO_TRY(auto writer, co_await blobs_.create());
    for (const Part& part : assembly.parts) {
        AC_CO_CHECK(co_await append(*writer, part.blob));
    }
    co_return co_await finish_upload(std::move(scope), std::move(upload), std::move(assembly),
                                     std::move(writer));
}

Task<ObjectStore::Assembly> ObjectStore::plan_assembly(Scope scope, UploadKey upload,
                                                       std::vector<PartChoice> choices) {
    auto work = [scope, upload, choices](Transaction& tx) -> Result<Assembly> {
        AC_CHECK(store::find_bucket(tx, scope, upload.bucket));
        AC_TRY(auto stored, store::find_upload(tx, upload));
        AC_TRY(const auto parts, store::list_parts(tx, upload.upload_id, 0, kPartNumberMax));
        AC_TRY(auto chosen, chosen_parts(parts, choices));
        std::vector<std::string> etags;
        for (const Part& part : chosen) etags.push_back(part.etag);
        auto etag = rules::multipart_etag(etags);
        if (chosen.empty() || !etag)
            return refuse(ErrorCode::invalid_argument, reason::kInvalidPart,
                          "An upload needs at least one part.");
        return Assembly{.attributes = std::move(stored.attributes),
                        .parts = std::move(chosen),
                        .etag = *std::move(etag)};
    };
    return database_.read(std::move(work));
}

Task<> ObjectStore::append(BlobWriter& writer, BlobId blob) {
    auto reader = co_await blobs_.open(std::move(blob));
    if (!reader)
        co_return refuse(ErrorCode::not_found, reason::kNoSuchUpload,
                         "The upload was completed or aborted meanwhile.");
    std::string buffer(kCopyStepBytes, '\0');
    for (std::uint64_t offset = 0; offset < (*reader)->size();) {
        AC_CO_TRY(const std::size_t n, co_await (*reader)->read_at(offset, buffer));
        if (n == 0) co_return fail(ErrorCode::internal, "a part is shorter than it was");
        const std::string_view bytes(buffer.data(), n);
        AC_CO_CHECK(co_await writer.write(bytes));
        offset += n;
    }
    co_return Result<>{};
}

Task<ObjectInfo> ObjectStore::finish_upload(Scope scope, UploadKey upload, Assembly assembly,
                                            std::unique_ptr<BlobWriter> writer) {
    AC_CO_TRY(const BlobInfo blob, co_await writer->seal());
    const ObjectInfo object{.key = upload.key,
                            .blob = blob.id,
                            .size = blob.size,
                            .etag = std::move(assembly.etag),
                            .attributes = std::move(assembly.attributes),
                            .modified = clock_.wall()};
    auto work = [scope, upload, object](Transaction& tx) -> Result<Garbage> {
        AC_CHECK(store::find_bucket(tx, scope, upload.bucket));
        AC_CHECK(store::find_upload(tx, upload));
        AC_TRY(auto garbage, store::put_object(tx, upload.bucket, object));
        AC_TRY(const auto parts, store::delete_upload(tx, upload.upload_id));
        garbage.insert(garbage.end(), parts.begin(), parts.end());
        return garbage;
    };
    AC_CO_TRY(const auto held, co_await locks_.lock(blob.id));
    AC_CO_CHECK(co_await writer->commit());
    auto stored = co_await database_.write(std::move(work));
    held->release();
    Garbage garbage = stored ? *stored : Garbage(1, blob.id);
    AC_CO_CHECK(co_await collect(std::move(garbage)));
    if (!stored) co_return std::unexpected(std::move(stored).error());
    co_return object;
}

Task<> ObjectStore::abort_upload(Scope scope, UploadKey upload) {
    auto work = [scope, upload](Transaction& tx) -> Result<Garbage> {
        AC_CHECK(store::find_bucket(tx, scope, upload.bucket));
        AC_CHECK(store::find_upload(tx, upload));
        return store::delete_upload(tx, upload.upload_id);
    };
    AC_CO_TRY(auto garbage, co_await database_.write(std::move(work)));
    co_return co_await collect(std::move(garbage));
}

Task<PartPage> ObjectStore::list_parts(Scope scope, UploadKey upload, int after,
                                       std::size_t parts_max) {
    auto work = [scope, upload, after, parts_max](Transaction& tx) -> Result<PartPage> {
        AC_CHECK(store::find_bucket(tx, scope, upload.bucket));
        AC_CHECK(store::find_upload(tx, upload));
        AC_TRY(auto parts, store::list_parts(tx, upload.upload_id, after, parts_max + 1));
        const bool truncated = parts.size() > parts_max;
        if (truncated) parts.resize(parts_max);
        return PartPage{.parts = std::move(parts), .truncated = truncated};
    };
    return database_.read(std::move(work));
}

Task<std::vector<Upload>> ObjectStore::list_uploads(Scope scope, std::string bucket,
                                                    std::string prefix) {
    auto work = [scope, bucket, prefix](Transaction& tx) -> Result<std::vector<Upload>> {
        AC_CHECK(store::find_bucket(tx, scope, bucket));
        return store::list_uploads(tx, bucket, prefix);
    };
    return database_.read(std::move(work));
}

}  // namespace ac::objects
