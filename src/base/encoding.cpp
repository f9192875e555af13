#include "base/encoding.h"

#include <array>
#include <cstring>

#include "base/base64.h"

namespace ac {
namespace {

constexpr std::size_t kVectorRoom = 32;   // what base64.h wants behind the result
constexpr std::size_t kVectorsFrom = 64;  // shorter texts are not worth it
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kHexUpper = "0123456789ABCDEF";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_unreserved(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// `out` holds whole groups of four.
void encode_rest(std::string_view in, std::string_view alphabet, bool pad, std::string& out) {
    std::uint32_t bits = 0;
    int count = 0;
    for (unsigned char c : in) {
        bits = bits << 8 | c;
        count += 8;
        while (count >= 6) {
            count -= 6;
            out += alphabet[bits >> count & 63];
        }
    }
    if (count > 0) out += alphabet[bits << (6 - count) & 63];
    for (std::size_t size = in.size(); pad && size % 3 != 0; ++size) out += '=';
}

std::string base64_encode(std::string_view in, std::string_view alphabet, bool pad) {
    std::string out;
    out.reserve((in.size() + 2) / 3 * 4);
    encode_rest(in, alphabet, pad, out);
    return out;
}

constexpr std::array<signed char, 256> reverse_of(std::string_view alphabet) {
    std::array<signed char, 256> table{};
    for (auto& entry : table) entry = -1;
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        table[static_cast<unsigned char>(alphabet[i])] = static_cast<signed char>(i);
    return table;
}

std::optional<std::string> base64_decode(std::string_view in,
                                         const std::array<signed char, 256>& table) {
    if (in.size() % 4 == 0) {
        for (int i = 0; i < 2 && in.ends_with('='); ++i) in.remove_suffix(1);
    }
    if (in.size() % 4 == 1) return std::nullopt;
    std::string out;
    out.reserve(in.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    int count = 0;
    for (unsigned char c : in) {
        if (table[c] < 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(table[c]);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out += static_cast<char>(bits >> count & 255);
        }
    }
    return out;
}

}  // namespace

std::string to_hex(std::span<const std::byte> bytes) {
    std::string out(bytes.size() * 2, '\0');
    char* to = out.data();
    for (const std::byte b : bytes) {
        *to++ = kHex[std::to_integer<std::size_t>(b >> 4)];
        *to++ = kHex[std::to_integer<std::size_t>(b & std::byte{15})];
    }
    return out;
}

std::optional<std::string> from_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string out;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        out += static_cast<char>(high * 16 + low);
    }
    return out;
}

std::string to_base64(std::string_view bytes) {
    std::string out;
    append_base64(out, bytes);
    return out;
}

void append_base64(std::string& out, std::string_view bytes) {
    const std::size_t before = out.size();
    const std::size_t room = before + (bytes.size() + 2) / 3 * 4 + kVectorRoom;
    std::size_t taken = 0;
    out.resize_and_overwrite(room, [&](char* text, std::size_t) {
        taken = encode_base64_vectors(bytes, text + before);
        return before + taken / 3 * 4;
    });
    encode_rest(bytes.substr(taken), kBase64, true, out);
}

std::optional<std::string> from_base64(std::string_view text) {
    std::string out;
    std::optional<std::size_t> size;
    out.resize_and_overwrite(text.size() / 4 * 3 + kVectorRoom, [&](char* bytes, std::size_t) {
        size = decode_base64(text, bytes);
        return size.value_or(0);
    });
    if (!size) return std::nullopt;
    return out;
}

std::optional<std::size_t> decode_base64(std::string_view text, char* out) {
    static constexpr auto kTable = reverse_of(kBase64);
    const std::size_t taken = text.size() < kVectorsFrom ? 0 : decode_base64_vectors(text, out);
    const auto rest = base64_decode(text.substr(taken), kTable);
    if (!rest) return std::nullopt;
    rest->copy(out + taken / 4 * 3, rest->size());
    return taken / 4 * 3 + rest->size();
}

std::string to_base64url(std::string_view bytes) {
    return base64_encode(bytes, kBase64Url, false);
}

std::optional<std::string> from_base64url(std::string_view text) {
    static constexpr auto kTable = reverse_of(kBase64Url);
    return base64_decode(text, kTable);
}

std::string percent_encode(std::string_view text, std::string_view keep) {
    std::string out;
    out.reserve(text.size() + text.size() / 4);
    for (char c : text) {
        if (is_unreserved(c) || keep.find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += '%';
            out += kHexUpper[static_cast<unsigned char>(c) >> 4];
            out += kHexUpper[static_cast<unsigned char>(c) & 15];
        }
    }
    return out;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            out += ' ';
        } else if (text[i] != '%') {
            out += text[i];
        } else {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_value(text[i + 1]);
            const int low = hex_value(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return out;
}

namespace {

// Of the ASCII that `text` begins with; at least 1, its first byte is known to be.
std::size_t ascii_length(std::string_view text) {
    constexpr std::uint64_t kHighBits = 0x8080808080808080;
    constexpr std::size_t kStep = 4 * sizeof(std::uint64_t);
    std::size_t at = 0;
    for (; at + kStep <= text.size(); at += kStep) {
        std::array<std::uint64_t, 4> words;
        std::memcpy(words.data(), text.data() + at, kStep);
        if (((words[0] | words[1] | words[2] | words[3]) & kHighBits) != 0) break;
    }
    while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
    return at;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        if (lead < 0x80) {
            i += ascii_length(text.substr(i));
            continue;
        }
        const std::size_t length = lead >= 0xf0 && lead <= 0xf4  ? 4
                                   : lead >= 0xe0 && lead < 0xf0 ? 3
                                   : lead >= 0xc2 && lead < 0xe0 ? 2
                                                                 : 0;
        if (length == 0 || i + length > text.size()) return false;
        for (std::size_t k = 1; k < length; ++k)
            if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
        const auto second = static_cast<unsigned char>(text[i + 1]);
        if (lead == 0xe0 && second < 0xa0) return false;  // overlong
        if (lead == 0xed && second > 0x9f) return false;  // surrogates
        if (lead == 0xf0 && second < 0x90) return false;  // overlong
        if (lead == 0xf4 && second > 0x8f) return false;  // past U+10FFFF
        i += length;
    }
    return true;
}

std::string to_lower(std::string_view ascii) {
    std::string out(ascii);
    for (char& c : out) c = lower(c);
    return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
    return true;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

}  // namespace ac
