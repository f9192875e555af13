// What a sentence of a talk begins with before it says something.
#include <algorithm>
#include <cctype>

#include "base/encoding.h"
#include "memory/speech.h"

namespace ac::memory {

namespace {

// What opens a sentence and adds nothing to it.
constexpr std::string_view kOpenings[] = {"good morning", "good afternoon",
                                          "good evening", "by the way",
                                          "thank you",    "of course",
                                          "no worries",   "hey there",
                                          "hi there",     "you know",
                                          "oh my god",    "long story short",
                                          "definitely",   "absolutely",
                                          "hello",        "thanks",
                                          "totally",      "exactly",
                                          "anyway",       "awesome",
                                          "okay",         "yeah",
                                          "great",        "haha",
                                          "sure",         "well",
                                          "nope",         "nice",
                                          "cool",         "yep",
                                          "yup",          "yes",
                                          "wow",          "hey",
                                          "aww",          "btw",
                                          "oh",           "ah",
                                          "aw",           "hi",
                                          "ok",           "so",
                                          "um",           "hmm"};
constexpr std::string_view kKoreanOpenings[] = {"안녕하세요", "안녕", "감사합니다", "고마워요",
                                                "고마워",     "네",   "응",         "아니요",
                                                "우와",       "와",   "그런데",     "아"};

bool is_letter(char c) {
    return static_cast<unsigned char>(c) >= 0x80 ||
           std::isalnum(static_cast<unsigned char>(c)) != 0;
}

// Where a name that is called ends, ", " or the like included: "Anna, ". 0: there is none.
std::size_t called_name(std::string_view text) {
    if (text.empty() || std::isupper(static_cast<unsigned char>(text.front())) == 0) return 0;
    std::size_t end = 0;
    while (end < text.size() && is_letter(text[end])) ++end;
    const bool is_called = end > 1 && end + 1 < text.size() &&
                           std::string_view(",!").contains(text[end]) && text[end + 1] == ' ';
    return is_called ? end + 2 : 0;
}

// Where an opening at the beginning ends, marks and spaces included. 0: there is none.
std::size_t opening(std::string_view text, std::string_view lower) {
    const auto end_of = [&](std::string_view phrase, bool needs_mark) -> std::size_t {
        if (!lower.starts_with(phrase)) return 0;
        auto end = phrase.size();
        const auto rest = text.substr(end);
        if (rest.empty() || is_letter(rest.front())) return 0;
        if (rest.front() == ' ' && !rest.starts_with(" - ")) {
            const auto name = needs_mark ? 0 : called_name(rest.substr(1));
            return name > 0 ? end + 1 + name : 0;
        }
        const bool is_hyphen = rest.starts_with('-') && rest.size() > 1 && is_letter(rest[1]);
        if (is_hyphen || !std::string_view(" ,!~-").contains(rest.front())) return 0;
        end = text.find_first_not_of(",!~- ", end);
        return end == std::string_view::npos ? text.size() : end;
    };
    for (const auto phrase : kOpenings)
        if (const auto end = end_of(phrase, false); end > 0) return end;
    for (const auto phrase : kKoreanOpenings)
        if (const auto end = end_of(phrase, true); end > 0) return end;
    return 0;
}

// "Anna, that's great": the name, which calls her. "Sometimes, that's ..." is left alone.
std::size_t address(std::string_view text, std::string_view lower) {
    const auto end = called_name(text);
    if (end == 0) return 0;
    const auto word = lower.substr(0, end - 2);
    constexpr std::string_view kNoNames[] = {
        "sometimes", "lately",   "recently", "yesterday", "today", "tomorrow", "now",   "then",
        "finally",   "actually", "honestly", "instead",   "plus",  "also",     "still", "but"};
    if (std::ranges::find(kNoNames, word) != std::end(kNoNames)) return 0;
    const auto rest = lower.substr(end);
    constexpr std::string_view kCalledFor[] = {"that", "you",      "it's",   "i ",   "i'",
                                               "let",  "so ",      "thanks", "what", "how",
                                               "glad", "congrats", "great",  "we"};
    const auto follows = [&](std::string_view next) { return rest.starts_with(next); };
    return std::ranges::any_of(kCalledFor, follows) ? end : 0;
}

}  // namespace

std::string without_opening(std::string_view sentence) {
    const std::string lower = to_lower(sentence);  // ASCII: same length
    std::size_t at = 0;
    while (at < sentence.size()) {
        auto end = opening(sentence.substr(at), std::string_view(lower).substr(at));
        if (end == 0) end = address(sentence.substr(at), std::string_view(lower).substr(at));
        if (end == 0) break;
        at += end;
    }
    std::string out(sentence.substr(at));
    if (at > 0 && !out.empty())
        out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
    return out;
}

}  // namespace ac::memory
