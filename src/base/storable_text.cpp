#include "base/storable_text.h"

#include "base/encoding.h"

namespace ac {
namespace {

constexpr std::size_t kCharacterBytesMax = 4;  // RFC 3629

// Of the character that `text` begins with; 0 when there is none.
std::size_t character_length(std::string_view text) {
    for (std::size_t length = 1; length <= kCharacterBytesMax; ++length)
        if (length <= text.size() && is_valid_utf8(text.substr(0, length))) return length;
    return 0;
}

}  // namespace

std::string to_storable_text(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        const std::size_t length = character_length(bytes);
        const bool keep = length > 0 && bytes.front() != '\0';
        out += keep ? bytes.substr(0, length) : std::string_view("?");
        bytes.remove_prefix(length > 0 ? length : 1);
    }
    return out;
}

}  // namespace ac
