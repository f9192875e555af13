#pragma once
// Base64url as JOSE wants it (RFC 7515 section 2): no padding, no line breaks, and one spelling
// only, so that two different tokens never mean the same bytes.

#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.h"

namespace ac {

inline std::optional<std::string> from_base64url_strict(std::string_view text) {
    if (text.ends_with('=')) return std::nullopt;
    auto bytes = from_base64url(text);
    if (!bytes || to_base64url(*bytes) != text) return std::nullopt;
    return bytes;
}

}  // namespace ac
