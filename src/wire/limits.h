#pragma once
// Bounds of the wire layer.

#include <cstddef>

namespace ac::wire {

// A JSON request body. AWS documents 10 MB a memory event and 100 MB of files a code interpreter
// call (which base64 makes 134 MB); raw payloads stream and are not bounded here.
inline constexpr std::size_t kJsonBodyBytesMax = std::size_t{16} << 20;
inline constexpr std::size_t kFileBodyBytesMax = std::size_t{160} << 20;
// A call of a model: 25 MB of body is what InvokeModel takes (API model); Converse carries images
// and documents as base64 besides.
inline constexpr std::size_t kModelBodyBytesMax = std::size_t{32} << 20;
// Nesting of JSON values: deeper than any modelled shape, shallow enough for recursion.
inline constexpr std::size_t kJsonDepthMax = 64;
// Violations named in one ValidationException; the rest would only be noise.
inline constexpr std::size_t kViolationsMax = 20;
// Work one pattern may cause on one value (PCRE2 match limit): a hostile value must not hold a
// thread. Honest values stay below a tenth of it.
inline constexpr unsigned kPatternMatchLimit = 200'000;
// Path segments looked at; the longest modelled path has nine.
inline constexpr std::size_t kPathSegmentsMax = 32;

}  // namespace ac::wire
