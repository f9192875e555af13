#pragma once
// Bounds of what a provider may send and hold. Time bounds are configuration (models/config.h).

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ac::models {

// One line of a server-sent event stream, or one event's data: a tool's whole input may come in
// one.
inline constexpr std::size_t kSseLineBytesMax = std::size_t{4} << 20;
// A whole answer, streamed or not; the largest models write some 128k tokens, half a megabyte.
inline constexpr std::size_t kAnswerBytesMax = std::size_t{16} << 20;
// The same with what a stream puts around each token.
inline constexpr std::size_t kStreamBytesMax = std::size_t{256} << 20;
// Content blocks of one answer.
inline constexpr int kAnswerBlocksMax = 1024;
// Of an error's body, as much as is told to the caller.
inline constexpr std::size_t kErrorBodyBytesMax = 4 * 1024;
// One read from a provider's connection.
inline constexpr std::size_t kReadBytes = 16 * 1024;
// Texts of one embedding request (OpenAI's own bound), and its answer: 2048 x 4096 dimensions in
// decimal text.
inline constexpr std::size_t kEmbedTextsMax = 2048;
inline constexpr std::size_t kEmbedAnswerBytesMax = std::size_t{128} << 20;
// Nesting of JSON that a provider sends.
inline constexpr std::size_t kJsonDepthMax = 64;

// Sums kept for /metrics (model ids are whatever callers write), sums waiting to be written, rows
// of one report.
inline constexpr std::size_t kUsageModelsMax = 500;
inline constexpr std::size_t kUsagePendingMax = 20'000;
inline constexpr std::size_t kUsageRowsMax = 1000;
inline constexpr std::string_view kOtherModels = "(other)";

}  // namespace ac::models
