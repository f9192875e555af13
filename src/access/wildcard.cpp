#include "access/wildcard.h"

#include <cstdint>
#include <cstring>
#include <optional>

namespace ac::access {
namespace {

// Never part of UTF-8.
constexpr char kAny = '\xFF';

bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// The end of `segment` at the beginning of `text`.
std::optional<std::size_t> match_front(std::string_view segment, std::string_view text) {
    std::size_t at = 0;
    for (const char wanted : segment) {
        if (at == text.size()) return std::nullopt;
        if (wanted != kAny) {
            if (text[at++] != wanted) return std::nullopt;
            continue;
        }
        ++at;
        while (at < text.size() && is_continuation(text[at])) ++at;
    }
    return at;
}

// The beginning of `segment` at the end of `text`.
std::optional<std::size_t> match_back(std::string_view segment, std::string_view text) {
    std::size_t at = text.size();
    for (auto wanted = segment.rbegin(); wanted != segment.rend(); ++wanted) {
        if (at == 0) return std::nullopt;
        --at;
        if (*wanted != kAny) {
            if (text[at] != *wanted) return std::nullopt;
            continue;
        }
        while (at > 0 && is_continuation(text[at])) --at;
    }
    return at;
}

// Leftmost end of a segment with '?' (Shift-And: one bit for each place of the segment).
std::optional<std::size_t> find_with_any(std::string_view segment, std::string_view text) {
    constexpr std::size_t kBits = 64;
    const std::size_t words = (segment.size() + kBits - 1) / kBits;
    std::vector<std::uint64_t> masks(256 * words);  // places that take this byte
    std::vector<std::uint64_t> any(words);
    for (std::size_t i = 0; i < segment.size(); ++i) {
        const std::uint64_t bit = std::uint64_t{1} << (i % kBits);
        if (segment[i] == kAny) any[i / kBits] |= bit;
        for (int byte = 0; byte < 256; ++byte)
            if (segment[i] == kAny ? !is_continuation(static_cast<char>(byte))
                                   : static_cast<unsigned char>(segment[i]) == byte)
                masks[static_cast<std::size_t>(byte) * words + i / kBits] |= bit;
    }
    std::vector<std::uint64_t> places(words);
    const std::uint64_t last = std::uint64_t{1} << ((segment.size() - 1) % kBits);
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool stays = is_continuation(text[at]);  // the rest of what a '?' took
        const std::uint64_t* mask = &masks[static_cast<unsigned char>(text[at]) * words];
        std::uint64_t carry = 1;
        for (std::size_t word = 0; word < words; ++word) {
            const std::uint64_t before = places[word];
            places[word] = ((before << 1) | carry) & mask[word];
            if (stays) places[word] |= before & any[word];
            carry = before >> (kBits - 1);
        }
        if (places[words - 1] & last) return at + 1;
    }
    return std::nullopt;
}

std::optional<std::size_t> find_plain(std::string_view segment, std::string_view text) {
    // memmem is linear; std::string_view::find is not.
    const void* found = memmem(text.data(), text.size(), segment.data(), segment.size());
    if (found == nullptr) return std::nullopt;
    return static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) + segment.size();
}

}  // namespace

void Wildcard::add_pattern(std::string_view pattern) {
    for (const char c : pattern) {
        if (c == '*') {
            // "**" is "*".
            if (segments_.size() == 1 || !segments_.back().text.empty())
                segments_.push_back(Segment{});
        } else if (c == '?') {
            segments_.back().text += kAny;
            segments_.back().has_any = true;
        } else {
            segments_.back().text += c;
        }
    }
}

void Wildcard::add_literal(std::string_view text) {
    segments_.back().text += text;
}

bool Wildcard::matches(std::string_view text) const {
    const Segment& first = segments_.front();
    if (segments_.size() == 1) {
        if (!first.has_any) return first.text == text;
        return match_front(first.text, text) == text.size();
    }
    if (!first.has_any) {
        if (!text.starts_with(first.text)) return false;
        text.remove_prefix(first.text.size());
    } else {
        const auto end = match_front(first.text, text);
        if (!end) return false;
        text.remove_prefix(*end);
    }
    for (std::size_t i = 1; i + 1 < segments_.size(); ++i) {
        const Segment& middle = segments_[i];
        const auto end =
            middle.has_any ? find_with_any(middle.text, text) : find_plain(middle.text, text);
        if (!end) return false;
        text.remove_prefix(*end);
    }
    const Segment& last = segments_.back();
    return last.has_any ? match_back(last.text, text).has_value() : text.ends_with(last.text);
}

}  // namespace ac::access
