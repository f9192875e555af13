#pragma once
// Bounds of the S3 front, with unit and reason.

#include <cstddef>

namespace ac::wire {

inline constexpr std::size_t kChunkLineBytesMax = 4 * 1024;     // a size or trailer line
inline constexpr std::size_t kTrailerFieldsMax = 16;            // clients send one checksum
inline constexpr std::size_t kS3XmlBytesMax = 4 * 1024 * 1024;  // 1 000 keys of 1 KiB, escaped
inline constexpr std::size_t kDeleteKeysMax = 1'000;            // S3
inline constexpr std::size_t kS3StepBytes = 128 * 1024;         // memory of one body under way
inline constexpr std::size_t kS3PartsPageMax = 1'000;           // S3

}  // namespace ac::wire
