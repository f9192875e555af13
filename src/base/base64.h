#pragma once
// Base64 (RFC 4648, 4) into and out of buffers that are there, a vector at a time where the
// processor can: files travel in it, so that it has to keep up with the network. What callers
// usually want is in encoding.h.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ac {

void append_base64(std::string& out, std::string_view bytes);
// To `out`, which has room for three quarters of `text` and 32 bytes, or is where `text` is or
// before it in the same buffer: the bytes written, or nullopt when it is not base64.
std::optional<std::size_t> decode_base64(std::string_view text, char* out);

// Whole groups only: each writes what it could take as vectors and says how many bytes of `in` that
// were (a multiple of 3, or of 4); the rest is the caller's. Decoding stops at the first character
// that is not of the alphabet. `out` has room for the whole of `in`, decoded or encoded, and for 32
// bytes more.
std::size_t encode_base64_vectors(std::string_view in, char* out);
std::size_t decode_base64_vectors(std::string_view in, char* out);

}  // namespace ac
