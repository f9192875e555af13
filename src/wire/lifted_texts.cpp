#include "wire/lifted_texts.h"

#include "base/encoding.h"

namespace ac::wire {
namespace {

constexpr std::size_t kKeyBytes = 18;   // base64 without padding
constexpr std::size_t kIndexBytes = 3;  // likewise: 16 million strings of 1 MiB do not come

struct End {
    std::size_t at = std::string_view::npos;  // of the closing quote
    bool is_plain = true;
};

// `from` is behind the opening quote.
End end_of_string(std::string_view text, std::size_t from) {
    for (std::size_t at = from;; ++at) {
        at = text.find('"', at);
        if (at == std::string_view::npos) return {};
        std::size_t backslashes = 0;
        while (at - backslashes > from && text[at - backslashes - 1] == '\\') ++backslashes;
        if (backslashes % 2 == 0)
            return {.at = at,
                    .is_plain = text.substr(from, at - from).find('\\') == std::string_view::npos};
    }
}

}  // namespace

Task<std::size_t> LiftedTexts::read_some(std::span<char> /*out*/) {
    co_return std::size_t{0};
}

std::string LiftedTexts::lift(std::string body, Random& random, LiftedTexts& lifted) {
    if (body.size() < kLiftedBytesMin) return body;
    lifted.key_ = random_alphanumeric(random, kKeyBytes);
    std::string out;
    std::size_t copied = 0;
    for (std::size_t at = body.find('"'); at != std::string::npos; at = body.find('"', at + 1)) {
        const std::size_t from = at + 1;
        const End end = end_of_string(body, from);
        if (end.at == std::string_view::npos) break;
        at = end.at;
        if (!end.is_plain || end.at - from < kLiftedBytesMin) continue;
        out.append(body, copied, from - copied);
        out += lifted.placeholder(lifted.spans_.size());
        lifted.spans_.push_back({.offset = from, .size = end.at - from});
        copied = end.at;
    }
    if (lifted.spans_.empty()) return body;
    out.append(body, copied);
    lifted.body_ = std::move(body);
    return out;
}

std::string LiftedTexts::placeholder(std::size_t index) const {
    std::string raw = key_;
    for (std::size_t i = 0; i < kIndexBytes; ++i) raw += static_cast<char>(index >> 8 * i & 0xff);
    return to_base64(raw);
}

std::optional<std::size_t> LiftedTexts::find(std::string_view value) const {
    if (spans_.empty()) return std::nullopt;
    std::string raw(value);
    if (value.size() == (kKeyBytes + kIndexBytes) / 3 * 4)
        raw = from_base64(value).value_or(std::string());
    if (raw.size() != kKeyBytes + kIndexBytes || !raw.starts_with(key_)) return std::nullopt;
    std::size_t index = 0;
    for (std::size_t i = kIndexBytes; i-- > 0;)
        index = index << 8 | static_cast<unsigned char>(raw[kKeyBytes + i]);
    return index < spans_.size() ? std::optional(index) : std::nullopt;
}

std::string_view LiftedTexts::text(std::size_t index) const {
    const Span& span = spans_[index];
    return std::string_view(body_).substr(span.offset, span.size);
}

bool is_plain_json_text(std::string_view text) {
    unsigned controls = 0;  // counted, not searched: that the compiler makes vectors of
    for (const char c : text) controls += static_cast<unsigned char>(c) < 0x20 ? 1U : 0U;
    return controls == 0 && is_valid_utf8(text);
}

}  // namespace ac::wire
