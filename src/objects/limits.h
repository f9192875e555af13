#pragma once
// Bounds of the object store, with unit and source. S3's own numbers where it documents one:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html

#include <cstddef>
#include <cstdint>

namespace ac::objects {

inline constexpr std::size_t kBucketsMax = 1'000;              // an account; S3's default is 10 000
inline constexpr std::size_t kKeyBytesMax = 1'024;             // S3
inline constexpr std::uint64_t kPutBytesMax = 5ULL << 30;      // one PUT or part; S3
inline constexpr std::uint64_t kObjectBytesMax = 50ULL << 30;  // assembled from parts
inline constexpr std::uint64_t kPartBytesMin = 5ULL << 20;     // every part but the last; S3
inline constexpr int kPartNumberMax = 10'000;                  // S3
inline constexpr std::size_t kMetadataBytesMax = 2'048;        // user metadata of one object; S3
inline constexpr std::size_t kListKeysMax = 1'000;             // a page; S3
inline constexpr std::size_t kUploadsMax = 10'000;             // unfinished, a bucket
inline constexpr std::size_t kDocumentBytesMax = 256 * 1024;   // a bucket's lifecycle and the like
inline constexpr std::size_t kCopyStepBytes = 256 * 1024;  // assembling an object from its parts

}  // namespace ac::objects
