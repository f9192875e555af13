#include "embedded/e5_tokenizer.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace ac::embedded {
namespace {

constexpr std::uint32_t kSpaceMark = 0x2581;
constexpr std::uint32_t kReplacement = 0xFFFD;
constexpr float kUnknownPenalty = 10;  // SentencePiece's own
constexpr float kNever = -std::numeric_limits<float>::infinity();

// FNV-1a, which a longer piece continues from a shorter one.
constexpr std::uint64_t kHashStart = 0xcbf29ce484222325;
std::uint64_t hash_on(std::uint64_t hash, char byte) {
    return (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
}
std::size_t slot_of(std::uint64_t hash, std::size_t mask) {
    return static_cast<std::size_t>(hash ^ (hash >> 29)) & mask;
}

// The code point at `at`, which moves behind it.
std::uint32_t decode(std::string_view text, std::size_t& at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(at++);
    if (lead < 0x80) return lead;
    const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || at + more > text.size()) return kReplacement;
    std::uint32_t point = lead & (0x3FU >> more);
    for (std::size_t i = 0; i < more; ++i) {
        if ((byte(at + i) & 0xC0) != 0x80) return kReplacement;
        point = point << 6 | (byte(at + i) & 0x3FU);
    }
    at += more;
    return point;
}

void append(std::string& out, std::uint32_t point) {
    const auto put = [&](std::uint32_t bits) { out += static_cast<char>(bits); };
    if (point < 0x80) return put(point);
    if (point < 0x800) {
        put(0xC0 | point >> 6);
    } else {
        if (point < 0x10000) {
            put(0xE0 | point >> 12);
        } else {
            put(0xF0 | point >> 18);
            put(0x80 | (point >> 12 & 0x3F));
        }
        put(0x80 | (point >> 6 & 0x3F));
    }
    put(0x80 | (point & 0x3F));
}

// Hangul written as letters (NFD, as some file systems and editors leave it) is put together, which
// the table of single characters cannot do. Unicode 3.12.
void compose_hangul(std::vector<std::uint32_t>& points) {
    constexpr std::uint32_t kLead = 0x1100, kVowel = 0x1161, kTail = 0x11A7, kSyllable = 0xAC00;
    constexpr std::uint32_t kLeads = 19, kVowels = 21, kTails = 28;
    std::size_t to = 0;
    for (const std::uint32_t point : points) {
        std::uint32_t* const last = to > 0 ? &points[to - 1] : nullptr;
        if (last != nullptr && *last - kLead < kLeads && point - kVowel < kVowels) {
            *last = kSyllable + ((*last - kLead) * kVowels + (point - kVowel)) * kTails;
        } else if (last != nullptr && *last - kSyllable < kLeads * kVowels * kTails &&
                   (*last - kSyllable) % kTails == 0 && point - kTail - 1 < kTails - 1) {
            *last += point - kTail;
        } else {
            points[to++] = point;
        }
    }
    points.resize(to);
}

}  // namespace

E5Tokenizer::E5Tokenizer(E5Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {
    const std::size_t count = vocabulary_.pieces.size();
    table_.resize(std::bit_ceil(count * 2 + 2));
    float least = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        least = std::min(least, vocabulary_.scores[i]);
        const bool is_special = i == vocabulary_.begin || i == vocabulary_.end ||
                                i == vocabulary_.pad || i == vocabulary_.unknown ||
                                vocabulary_.pieces[i] == "<mask>" || vocabulary_.pieces[i].empty();
        // A text that says "</s>" means these letters.
        if (!is_special) insert(i);
    }
    unknown_score_ = least - kUnknownPenalty;
}

void E5Tokenizer::insert(std::uint32_t piece) {
    const std::string_view text = vocabulary_.pieces[piece];
    piece_bytes_max_ = std::max(piece_bytes_max_, text.size());
    std::uint64_t hash = kHashStart;
    for (const char byte : text) hash = hash_on(hash, byte);
    const std::size_t mask = table_.size() - 1;
    std::size_t slot = slot_of(hash, mask);
    while (table_[slot] != 0) slot = (slot + 1) & mask;
    table_[slot] = piece + 1;
}

E5Tokenizer::Characters E5Tokenizer::normalise(std::string_view text) const {
    std::vector<std::uint32_t> points;
    points.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::uint32_t point = decode(text, at);
        const auto found = vocabulary_.normalised.find(point);
        if (found == vocabulary_.normalised.end())
            points.push_back(point);
        else
            points.insert(points.end(), found->second.begin(), found->second.end());
    }
    compose_hangul(points);
    Characters out;
    bool gap = true;  // a space is owed before the next character; also before the first
    for (const std::uint32_t point : points) {
        if (point == ' ') {
            gap = true;
            continue;
        }
        if (std::exchange(gap, false)) {
            out.starts.push_back(static_cast<std::uint32_t>(out.text.size()));
            append(out.text, kSpaceMark);
        }
        out.starts.push_back(static_cast<std::uint32_t>(out.text.size()));
        append(out.text, point);
    }
    out.starts.push_back(static_cast<std::uint32_t>(out.text.size()));
    return out;
}

// Every piece that begins at the character `from` may be the next one.
void E5Tokenizer::extend(const Characters& characters, std::size_t from,
                         std::vector<Step>& best) const {
    const auto begin = characters.starts[from];
    const auto here = static_cast<std::uint32_t>(from);
    const std::size_t mask = table_.size() - 1;
    std::uint64_t hash = kHashStart;
    for (std::size_t to = from + 1; to < characters.starts.size(); ++to) {
        const auto end = characters.starts[to];
        if (end - begin > piece_bytes_max_) break;
        for (auto i = characters.starts[to - 1]; i < end; ++i)
            hash = hash_on(hash, characters.text[i]);
        const auto text = std::string_view(characters.text).substr(begin, end - begin);
        for (std::size_t slot = slot_of(hash, mask); table_[slot] != 0; slot = (slot + 1) & mask) {
            const std::uint32_t piece = table_[slot] - 1;
            if (vocabulary_.pieces[piece] != text) continue;
            const float score = best[from].score + vocabulary_.scores[piece];
            if (score > best[to].score) best[to] = {score, piece, here};
            break;
        }
    }
    const float score = best[from].score + unknown_score_;
    if (score > best[from + 1].score) best[from + 1] = {score, vocabulary_.unknown, here};
}

std::vector<std::uint32_t> E5Tokenizer::encode(std::string_view text,
                                               std::size_t tokens_max) const {
    // No token is shorter than a byte; what is far behind the last one needs no look.
    text = text.substr(0, tokens_max * piece_bytes_max_);
    const Characters characters = normalise(text);
    const std::size_t count = characters.starts.size() - 1;
    std::vector<Step> best(count + 1, Step{kNever, 0, 0});
    best[0].score = 0;
    for (std::size_t at = 0; at < count; ++at) extend(characters, at, best);
    std::vector<std::uint32_t> out;
    for (std::size_t at = count; at > 0; at = best[at].from) out.push_back(best[at].piece);
    std::ranges::reverse(out);
    if (out.size() > tokens_max) out.resize(tokens_max);
    return out;
}

}  // namespace ac::embedded
