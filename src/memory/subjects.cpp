#include "memory/subjects.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <vector>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "memory/habits.h"
#include "memory/speech.h"
#include "search/tokenizer.h"

namespace ac::memory {

namespace {

struct Attribute {
    std::string_view cue;
    std::string_view name;
};
// What a person has one of, at a time.
constexpr Attribute kAttributes[] = {
    {"my name is", "name"},
    {"my name's", "name"},
    {"please call me", "name"},
    {"i live in", "home"},
    {"i live near", "home"},
    {"i now live", "home"},
    {"i'm living in", "home"},
    {"i'm based in", "home"},
    {"i relocated to", "home"},
    {"i work as", "work"},
    {"i now work as", "work"},
    {"i work for", "employer"},
    {"i work at", "employer"},
    {"i now work at", "employer"},
    {"i now work for", "employer"},
    {"i started working at", "employer"},
    {"i started working for", "employer"},
    {"i got a job at", "employer"},
    {"i started a new job at", "employer"},
    {"i no longer work", "employer"},
    {"i don't work at", "employer"},
    {"i quit my job", "employer"},
    {"i lost my job", "employer"},
    {"i left my job", "employer"},
    {"i got laid off", "employer"},
    {"i'm married", "relationship"},
    {"i am married", "relationship"},
    {"i got married", "relationship"},
    {"i'm engaged", "relationship"},
    {"i'm single", "relationship"},
    {"i am single", "relationship"},
    {"i'm divorced", "relationship"},
    {"i got divorced", "relationship"},
    {"years old", "age"},
    {"my birthday is", "birthday"},
    {"my email", "email"},
    {"my phone", "phone"},
    {"제 이름은", "name"},
    {"내 이름은", "name"},
    {"에 살아", "home"},
    {"에 삽니다", "home"},
    {"에 살고", "home"},
    {"에서 살고", "home"},
    {"에서 살아", "home"},
    {"로 이사", "home"},
    {"에서 일해", "employer"},
    {"에서 일하", "employer"},
    {"에서 일합", "employer"},
    {"로 이직", "employer"},
    {"에 취직", "employer"},
    {"에 입사", "employer"},
    {"회사를 그만", "employer"},
    {"퇴사했", "employer"},
    {"제 생일은", "birthday"},
    {"내 생일은", "birthday"},
    {"제 직업은", "work"},
    {"결혼했", "relationship"},
    {"이혼했", "relationship"},
    {"약혼했", "relationship"},
    {"살이에요", "age"},
    {"살입니다", "age"},
    {"전화번호는", "phone"},
    {"이메일은", "email"},
};

// "I moved to Busan", but not "I moved to a new team".
constexpr std::string_view kMoves[] = {"i moved to ", "i've moved to ", "i just moved to ",
                                       "we moved to ", "i moved back to "};
constexpr std::string_view kNoPlaces[] = {"a ", "an ", "my ", "another ", "this ", "the "};

constexpr std::string_view kDiets[] = {"vegetarian", "vegan", "pescatarian"};
constexpr std::string_view kKoreanDiets[] = {"채식", "비건"};

constexpr std::string_view kPreferenceCues[] = {
    "i like",         "i love",         "i prefer",
    "i enjoy",        "i hate",         "i dislike",
    "i don't like",   "i do not like",  "i can't stand",
    "i want",         "i need",         "i always",
    "i never",        "i usually",      "i really like",
    "i really love",  "i don't enjoy",  "i'd love",
    "i would love",   "i'd like",       "i would like",
    "favorite",       "favourite",      "allergic",
    "i'd rather",     "i would rather", "fan of",
    "i'm into",       "i am into",      "i don't eat",
    "i don't drink",  "i no longer",    "i stopped",
    "i gave up",      "i can't eat",    "i avoid",
    "i'm vegetarian", "i'm vegan",      "i'm a vegetarian",
    "i'm a vegan",    "좋아",           "싫어",
    "선호",           "최애",           "알레르기",
    "즐겨",           "원해",           "사랑해",
    "못 먹",          "안 먹",          "안 마",
    "끊었",           "관심",           "채식"};

// Words of a preference that are not what it is about.
constexpr std::string_view kCueTerms[] = {
    "like", "love", "prefer", "enjoi", "hate", "dislik", "dont", "cant", "stand", "want", "need",
    "alwai", "never", "usual", "not", "realli", "favorit", "favourit", "anymor", "more", "still",
    "now", "longer", "doesnt", "drink", "eat", "stop", "quit", "gave", "give", "up", "avoid", "im",
    "id", "ive", "veri", "just", "also", "so", "too", "much", "no", "rather", "fan", "am", "can",
    "start", "thing", "all", "it", "that", "these", "there", "go", "get", "be", "been", "lot",
    "ani", "allerg", "sure", "would",
    // When it was said to be so.
    "last", "next", "ago", "todai", "yesterdai", "night", "week", "month", "year", "dai"};

// Stress, which changes nothing of what is said.
constexpr std::string_view kStress[] = {"really", "very",   "so",     "just",       "too",
                                        "also",   "quite",  "pretty", "totally",    "absolutely",
                                        "truly",  "always", "super",  "definitely", "정말",
                                        "진짜",   "너무",   "아주",   "매우",       "굉장히"};

bool is_in(std::string_view word, const auto& words) {
    return std::ranges::find(words, word) != std::end(words);
}

std::string joined(const std::set<std::string>& words) {
    std::string out;
    for (const auto& word : words) out += ' ' + word;
    return out;
}

bool states_home(std::string_view sentence, std::string_view lower) {
    for (const auto cue : kMoves) {
        const auto at = lower.find(cue);
        if (at == std::string_view::npos) continue;
        const auto place = lower.substr(at + cue.size());
        const bool is_name =
            lower.size() == sentence.size() && place.starts_with("the ") && place.size() > 4 &&
            std::isupper(
                static_cast<unsigned char>(sentence[sentence.size() - place.size() + 4])) != 0;
        if (is_name || std::ranges::none_of(
                           kNoPlaces, [&](auto article) { return place.starts_with(article); }))
            return true;
    }
    return false;
}

bool states_diet(std::string_view lower) {
    if (std::ranges::any_of(kKoreanDiets, [&](auto diet) { return holds(lower, diet); }))
        return true;
    const bool is_own = holds(lower, "i'm ") || holds(lower, "i am ") ||
                        holds(lower, "i became ") || holds(lower, "i went ") ||
                        holds(lower, "i've been ") || holds(lower, "i stopped being ") ||
                        holds(lower, "i turned ");
    return is_own && std::ranges::any_of(kDiets, [&](auto diet) { return holds(lower, diet); });
}

// "My dog is called ...": what stands between "my" and the verb, where a sentence or its second
// part begins so; "losing my job was hard" is no statement about the job.
std::string possession(const std::string& lower) {
    auto begin = lower.starts_with("my ") ? 0 : lower.find(" and my ");
    if (begin == std::string::npos) begin = lower.find(", my ");
    if (begin == std::string::npos) return {};
    begin = lower.find("my ", begin) + 3;
    for (const std::string_view verb : {" is ", " are "}) {
        const auto end = lower.find(verb, begin);
        if (end == std::string::npos) continue;
        const auto words = std::string_view(lower).substr(begin, end - begin);
        if (std::ranges::count(words, ' ') > 2 || words.contains(',')) return {};
        std::string out;
        for (const auto& term : search::terms_of(words)) out += (out.empty() ? "" : " ") + term;
        return out;
    }
    return {};
}

bool states_something_liked(std::string_view lower, const std::vector<search::Word>& words) {
    // "I love your energy" is praise.
    for (const std::string_view of_other :
         {"i need help", "i need to", "i want to know", "i need assistance", "i love your",
          "i like your", "i love you", "i like you", "i want you", "i need you",
          "i'd love to hear"})
        if (holds(lower, of_other)) return false;
    return informative_words(words) > 0 &&
           std::ranges::any_of(kPreferenceCues, [&](auto cue) { return holds(lower, cue); });
}

}  // namespace

std::string fact_subject(const std::string& speaker, std::string_view sentence) {
    const auto lower = plain_lower(sentence);
    const auto subject = [&](std::string_view about) {
        return "fact:" + to_lower(speaker) + "|" + std::string(about);
    };
    if (states_home(sentence, lower)) return subject("home");
    for (const auto& attribute : kAttributes)
        if (holds(lower, attribute.cue)) return subject(attribute.name);
    if (states_diet(lower)) return subject("diet");
    const auto words = search::split_words(sentence);
    if (const auto habit = english_habit(words); !habit.empty()) return subject(habit);
    if (const auto habit = korean_habit(words)) return subject(habit->verb + " " + habit->object);
    const auto owned = possession(lower);
    return owned.empty() ? std::string() : subject(owned);
}

std::string preference_subject(const std::string& speaker, std::string_view sentence) {
    const auto lower = plain_lower(sentence);
    const auto words = search::split_words(sentence);
    const auto subject = [&](std::string_view about) {
        return "preference:" + to_lower(speaker) + "|" + std::string(about);
    };
    if (states_diet(lower)) return subject("diet");
    if (!states_something_liked(lower, words)) return {};
    if (const auto owned = possession(lower); owned.starts_with("favo")) return subject(owned);
    if (const auto habit = korean_habit(words)) return subject(habit->object);
    std::set<std::string> about;
    for (const auto& term : search::terms_of(words))
        if (!is_in(term, kCueTerms)) about.insert(term);
    if (about.empty()) return {};
    return "preference:" + sha256_hex(to_lower(speaker) + joined(about)).substr(0, 32);
}

std::string text_subject(const std::string& speaker, std::string_view text) {
    auto words = search::split_words(text);
    std::erase_if(words, [](const auto& word) { return is_in(word.text, kStress); });
    const auto terms = search::terms_of(words);
    return "text:" +
           sha256_hex(speaker + joined(std::set(terms.begin(), terms.end()))).substr(0, 32);
}

}  // namespace ac::memory
