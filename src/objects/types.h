#pragma once
// The nouns of the object store: buckets hold objects under keys; an object is a blob with
// attributes; a large one may be uploaded in parts.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "storage/blob_store.h"

namespace ac::objects {

struct Bucket {
    std::string name;
    std::string account;
    std::string region;
    WallTime created;
};

// Names and values that are stored with an object and come back with it: content-type,
// cache-control, x-amz-meta-..., checksums. Lower-case names; UTF-8.
using Attributes = std::vector<std::pair<std::string, std::string>>;

struct ObjectKey {
    std::string bucket;
    std::string key;
};

struct ObjectInfo {
    std::string key;
    storage::BlobId blob;
    std::uint64_t size = 0;
    std::string etag;  // without quotes: MD5 of the bytes, or `md5-of-md5s-N` for N parts
    Attributes attributes;
    WallTime modified;
};

// An object opened for reading: it stays readable even when it is deleted meanwhile.
struct OpenObject {
    ObjectInfo info;
    std::unique_ptr<storage::BlobReader> reader;
};

enum class Overwrite { allowed, forbidden };

struct PutOptions {
    Attributes attributes;
    Overwrite overwrite = Overwrite::allowed;
};

struct ListOptions {
    std::string prefix;
    std::string delimiter;
    std::string start_after;
    std::string token;  // of the page before; wins over start_after
    std::size_t keys_max = 1'000;
};

struct ListPage {
    std::vector<ObjectInfo> objects;  // without attributes
    std::vector<std::string> common_prefixes;
    bool truncated = false;
    std::string next_token;   // opaque
    std::string next_marker;  // the last key or common prefix of this page
};

struct UploadKey {
    std::string bucket;
    std::string key;
    std::string upload_id;
};

struct Upload {
    std::string id;
    std::string key;
    WallTime created;
};

struct Part {
    int number = 0;
    storage::BlobId blob;
    std::uint64_t size = 0;
    std::string etag;
    WallTime modified;
};

struct PartPage {
    std::vector<Part> parts;
    bool truncated = false;
};

struct PartChoice {
    int number = 0;
    std::string etag;
};

// Error::reason of this module's errors, so that callers can tell one not_found from another.
// Spelled as S3 spells its error codes.
namespace reason {
inline constexpr std::string_view kAccessDenied = "AccessDenied";
inline constexpr std::string_view kBucketAlreadyExists = "BucketAlreadyExists";
inline constexpr std::string_view kBucketAlreadyOwnedByYou = "BucketAlreadyOwnedByYou";
inline constexpr std::string_view kBucketNotEmpty = "BucketNotEmpty";
inline constexpr std::string_view kEntityTooLarge = "EntityTooLarge";
inline constexpr std::string_view kEntityTooSmall = "EntityTooSmall";
inline constexpr std::string_view kInvalidArgument = "InvalidArgument";
inline constexpr std::string_view kInvalidBucketName = "InvalidBucketName";
inline constexpr std::string_view kInvalidPart = "InvalidPart";
inline constexpr std::string_view kInvalidPartOrder = "InvalidPartOrder";
inline constexpr std::string_view kKeyTooLong = "KeyTooLongError";
inline constexpr std::string_view kMetadataTooLarge = "MetadataTooLarge";
inline constexpr std::string_view kNoSuchBucket = "NoSuchBucket";
inline constexpr std::string_view kNoSuchKey = "NoSuchKey";
inline constexpr std::string_view kNoSuchUpload = "NoSuchUpload";
inline constexpr std::string_view kPreconditionFailed = "PreconditionFailed";
inline constexpr std::string_view kTooManyBuckets = "TooManyBuckets";
}  // namespace reason

inline std::unexpected<Error> refuse(ErrorCode code, std::string_view reason, std::string message) {
    return std::unexpected(
        Error{.code = code, .message = std::move(message), .reason = std::string(reason)});
}

}  // namespace ac::objects
