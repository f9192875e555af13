#include "search/tokenizer.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "search/stemmer.h"

namespace ac::search {

namespace {

// Words that say nothing about what a text is about.
constexpr std::string_view kStopWords =
    "a an and are as at be but by did do does for from had has have he her him his how i if in "
    "into is it its me my of on or our she so some that the their them they this to was we were "
    "what when where which who whom why will with would you your";

enum class Class { separator, ignored, letter, wide };

bool within(char32_t code, char32_t first, char32_t last) {
    return code >= first && code <= last;
}

bool is_ignored(char32_t c) {
    return c == 0xAD || within(c, 0x300, 0x36F) || within(c, 0x200B, 0x200F) ||
           within(c, 0x202A, 0x202E) || within(c, 0x2060, 0x2064) || within(c, 0xFE00, 0xFE0F) ||
           c == 0xFEFF;
}

bool is_wide(char32_t c) {
    return within(c, 0xAC00, 0xD7A3) || within(c, 0x4E00, 0x9FFF) || within(c, 0x3400, 0x4DBF) ||
           within(c, 0x3041, 0x30FF) || within(c, 0x3131, 0x318E) || within(c, 0xF900, 0xFAFF) ||
           within(c, 0x20000, 0x3FFFF);
}

// Letters are what is left when punctuation and symbols are taken out: no script is forgotten.
bool is_separator(char32_t c) {
    if (c < 0x80) return !(within(c, '0', '9') || within(c, 'a', 'z') || within(c, 'A', 'Z'));
    return within(c, 0x80, 0xBF)
               ? c != 0xAA && c != 0xB5 && c != 0xBA
               : c == 0xD7 || c == 0xF7 || within(c, 0x2000, 0x2BFF) || within(c, 0x2E00, 0x2E7F) ||
                     within(c, 0x3000, 0x3040) || within(c, 0xD800, 0xF8FF) ||
                     within(c, 0xFF5F, 0xFFFF) || within(c, 0x1F000, 0x1FAFF) || c > 0x3FFFF;
}

Class class_of(char32_t code) {
    if (code < 0x80) return is_separator(code) ? Class::separator : Class::letter;
    if (is_ignored(code)) return Class::ignored;
    if (is_wide(code)) return Class::wide;
    return is_separator(code) ? Class::separator : Class::letter;
}

// Blocks where an upper-case letter and its lower-case one alternate, upper even.
bool is_even_upper_block(char32_t c) {
    return within(c, 0x100, 0x12F) || within(c, 0x132, 0x137) || within(c, 0x14A, 0x177) ||
           within(c, 0x460, 0x481) || within(c, 0x48A, 0x4BF) || within(c, 0x4D0, 0x52F) ||
           within(c, 0x1E00, 0x1EFF);
}

char32_t lower(char32_t c) {
    if (within(c, 'A', 'Z')) return c + 32;
    if (c < 0xC0) return c;
    if (within(c, 0xC0, 0xDE) && c != 0xD7) return c + 32;
    if (is_even_upper_block(c)) return c | 1;
    if (within(c, 0x139, 0x148) || within(c, 0x179, 0x17E)) return c + (c & 1);
    if (c == 0x130) return 'i';
    if (c == 0x178) return 0xFF;
    if (within(c, 0x391, 0x3A9)) return c + 32;
    if (c == 0x386) return 0x3AC;
    if (within(c, 0x388, 0x38A)) return c + 37;
    if (within(c, 0x410, 0x42F)) return c + 32;
    if (within(c, 0x400, 0x40F)) return c + 80;
    if (within(c, 0x531, 0x556)) return c + 48;
    return c;
}

// Full-width forms stand for their ASCII twins.
char32_t narrow(char32_t c) {
    return within(c, 0xFF01, 0xFF5E) ? c - 0xFEE0 : c;
}

// Unicode 3.12: leading consonant, vowel and an optional trailing consonant make one syllable.
char32_t compose_hangul(std::string_view text, char32_t lead, std::size_t& at) {
    if (!within(lead, 0x1100, 0x1112)) return lead;
    auto after = at;
    if (after >= text.size()) return lead;
    const auto vowel = next_code_point(text, after);
    if (!within(vowel, 0x1161, 0x1175)) return lead;
    at = after;
    char32_t syllable = 0xAC00 + ((lead - 0x1100) * 21 + (vowel - 0x1161)) * 28;
    if (after < text.size()) {
        const auto trail = next_code_point(text, after);
        if (within(trail, 0x11A8, 0x11C2)) {
            syllable += trail - 0x11A7;
            at = after;
        }
    }
    return syllable;
}

bool is_apostrophe(char32_t c) {
    return c == '\'' || c == 0x2019;
}

void strip_possessive(std::string& word) {
    for (const std::string_view ending : {"'s", "'"})
        if (word.ends_with(ending)) word.resize(word.size() - ending.size());
    std::erase(word, '\'');
}

void append_pairs(const std::string& word, std::vector<Word>& out) {
    std::size_t before = 0;
    std::size_t at = 0;
    next_code_point(word, at);
    if (at >= word.size()) {
        out.push_back({.text = word, .is_wide = true});
        return;
    }
    while (at < word.size()) {
        const auto middle = at;
        next_code_point(word, at);
        out.push_back({.text = word.substr(before, at - before), .is_wide = true});
        before = middle;
    }
}

constexpr std::size_t kTermBytesMax = 128;  // of a longer word the beginning is indexed
constexpr std::size_t kGramMin = 3;
constexpr std::size_t kGramMax = 5;

// FNV-1a: two n-grams with one hash cost a little precision, and their texts cost memory.
std::uint32_t hash(std::string_view text) {
    std::uint32_t h = 0x811c9dc5;
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x01000193;
    return h;
}

// The letter in lower case; 0: no ASCII letter or digit.
char lower_ascii(char c) {
    static constexpr auto kLower = [] {
        std::array<char, 256> out{};
        for (char digit = '0'; digit <= '9'; ++digit)
            out[static_cast<unsigned char>(digit)] = digit;
        for (char letter = 'a'; letter <= 'z'; ++letter) {
            out[static_cast<unsigned char>(letter)] = letter;
            out[static_cast<unsigned char>(letter - 'a' + 'A')] = letter;
        }
        return out;
    }();
    return kLower[static_cast<unsigned char>(c)];
}

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& at) {
    const auto lead = static_cast<unsigned char>(text[at++]);
    if (lead < 0x80) return lead;
    const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4) return 0xFFFD;
    char32_t code = lead & (0x3F >> more);
    for (int i = 0; i < more; ++i) {
        if (at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80)
            return 0xFFFD;
        code = (code << 6) | (static_cast<unsigned char>(text[at++]) & 0x3F);
    }
    return code;
}

void append_utf8(std::string& out, char32_t c) {
    if (c < 0x80) {
        out.push_back(static_cast<char>(c));
    } else if (c < 0x800) {
        out.push_back(static_cast<char>(0xC0 | (c >> 6)));
        out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
    } else if (c < 0x10000) {
        out.push_back(static_cast<char>(0xE0 | (c >> 12)));
        out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
        out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
    } else {
        out.push_back(static_cast<char>(0xF0 | (c >> 18)));
        out.push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3F)));
        out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3F)));
        out.push_back(static_cast<char>(0x80 | (c & 0x3F)));
    }
}

std::vector<Word> split_words(std::string_view text) {
    constexpr std::size_t kBytesAWord = 5;  // about, so that the list mostly grows once
    std::vector<Word> out;
    out.reserve(text.size() / kBytesAWord + 1);
    Word word;
    bool has_apostrophe = false;
    const auto flush = [&] {
        if (has_apostrophe) strip_possessive(word.text);
        has_apostrophe = false;
        if (!word.text.empty()) out.push_back(std::move(word));
        word = Word();
    };
    for (std::size_t at = 0; at < text.size();) {
        // What most texts are made of needs none of the tables.
        if (const char letter = lower_ascii(text[at]); letter != 0) {
            if (word.is_wide) flush();
            word.text.push_back(letter);
            ++at;
            continue;
        }
        const auto code = compose_hangul(text, narrow(next_code_point(text, at)), at);
        if (is_apostrophe(code) && !word.text.empty() && !word.is_wide) {
            word.text.push_back('\'');
            has_apostrophe = true;
            continue;
        }
        const auto kind = class_of(code);
        if (kind == Class::ignored) continue;
        if (kind == Class::separator || (kind == Class::wide) != word.is_wide) flush();
        if (kind == Class::separator) continue;
        word.is_wide = kind == Class::wide;
        append_utf8(word.text, lower(code));
    }
    flush();
    return out;
}

bool is_stop_word(std::string_view word) {
    constexpr std::size_t kBytesMax = 5;  // of the words above
    if (word.size() > kBytesMax) return false;
    static const auto words = [] {
        std::unordered_set<std::string_view> out;
        for (std::string_view rest = kStopWords; !rest.empty();) {
            const auto end = std::min(rest.find(' '), rest.size());
            out.insert(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
        return out;
    }();
    return words.contains(word);
}

std::vector<Word> forms_of(std::vector<Word> words) {
    std::vector<Word> out;
    out.reserve(words.size());
    for (auto& word : words) {
        if (word.is_wide) {
            append_pairs(word.text, out);
        } else if (!is_stop_word(word.text)) {
            if (word.text.size() > kTermBytesMax) word.text.resize(kTermBytesMax);
            out.push_back(std::move(word));
        }
    }
    return out;
}

std::string term_of_form(const Word& form) {
    return form.is_wide ? form.text : stem(form.text);
}

std::vector<std::string> terms_of(const std::vector<Word>& words) {
    std::vector<std::string> out;
    for (const auto& form : forms_of(words)) out.push_back(term_of_form(form));
    return out;
}

std::vector<std::uint32_t> grams_of(const Word& form) {
    if (form.is_wide) return {hash(form.text)};
    std::vector<std::uint32_t> out;
    const auto framed = '^' + form.text + '$';
    for (std::size_t n = kGramMin; n <= kGramMax; ++n)
        for (std::size_t i = 0; i + n <= framed.size(); ++i)
            out.push_back(hash(std::string_view(framed).substr(i, n)));
    return out;
}

}  // namespace ac::search
