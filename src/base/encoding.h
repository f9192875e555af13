#pragma once
// Text encodings that protocols share. Decoders reject what is not canonical input for them and
// never throw; each has a fuzzer.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ac {

std::string to_hex(std::span<const std::byte> bytes);  // lower case
std::optional<std::string> from_hex(std::string_view text);

// RFC 4648 section 4, padded. Decoding also takes input without padding.
std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);
// RFC 4648 section 5, unpadded.
std::string to_base64url(std::string_view bytes);
std::optional<std::string> from_base64url(std::string_view text);

// RFC 3986 percent-encoding as SigV4 wants it: everything but [A-Za-z0-9-._~] is encoded, upper
// case hex; `keep` names further characters that stay.
std::string percent_encode(std::string_view text, std::string_view keep = {});
// nullopt when a % is not followed by two hex digits. `plus_is_space` is for form bodies only.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

bool is_valid_utf8(std::string_view text);

std::string to_lower(std::string_view ascii);
bool equals_ignoring_case(std::string_view a, std::string_view b);  // ASCII
std::string_view trim(std::string_view text);                       // spaces and tabs

}  // namespace ac
