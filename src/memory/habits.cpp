#include "memory/habits.h"

#include <algorithm>

#include "search/stemmer.h"

namespace ac::memory {

namespace {

// Verbs of what is done again and again, and how they stand after "stopped" and "gave up".
struct Habit {
    std::string_view verb;
    std::string_view going_on;
};
constexpr Habit kHabits[] = {{"drink", "drinking"}, {"eat", "eating"},     {"smoke", "smoking"},
                             {"play", "playing"},   {"drive", "driving"},  {"speak", "speaking"},
                             {"wear", "wearing"},   {"study", "studying"}, {"teach", "teaching"},
                             {"own", "owning"},     {"learn", "learning"}, {"raise", "raising"}};
// What may stand between "I" and the verb, or between the verb and its object.
constexpr std::string_view kBetween[] = {
    "no",      "longer", "dont", "do",   "not",     "never",  "still",     "now",  "always",
    "usually", "often",  "only", "also", "really",  "just",   "mostly",    "have", "stopped",
    "quit",    "gave",   "up",   "ive",  "started", "mainly", "currently", "cant", "any",
    "much",    "more",   "a",    "an",   "the",     "my",     "some",      "to"};

struct KoreanVerb {
    std::string_view begins;
    std::string_view verb;
};
// Korean verbs by how their forms begin; what is given up was drunk, eaten or smoked.
constexpr KoreanVerb kKoreanHabits[] = {
    {"마시", "마시"}, {"마셔", "마시"}, {"마십", "마시"}, {"마신", "마시"}, {"먹", "먹"},
    {"피우", "피우"}, {"피워", "피우"}, {"피웁", "피우"}, {"키우", "키우"}, {"키워", "키우"},
    {"키웁", "키우"}, {"좋아", "좋아"}, {"싫어", "좋아"}, {"즐겨", "즐기"}, {"끊", "끊"}};
constexpr std::string_view kKoreanBetween[] = {"안",   "못",   "더",   "이상", "이제", "요즘",
                                               "정말", "진짜", "아주", "매우", "자주", "많이",
                                               "너무", "항상", "매일", "잘",   "제일", "가장"};
constexpr std::string_view kParticles[] = {"을", "를", "은", "는", "도", "만", "이", "가"};
constexpr std::string_view kSmoked[] = {"담배", "전자담배"};

bool is_in(std::string_view word, const auto& words) {
    return std::ranges::find(words, word) != std::end(words);
}

std::string without_particle(std::string word) {
    for (const auto particle : kParticles)
        if (word.size() > particle.size() && word.ends_with(particle)) {
            word.resize(word.size() - particle.size());
            break;
        }
    return word;
}

// "매운" as in "매운 음식": what ends in a syllable closed by ㄴ, and is no topic ("저는",
// "음식은").
bool is_adnominal(std::string_view word) {
    constexpr char32_t kFirstSyllable = 0xAC00;
    constexpr char32_t kFinals = 28;
    constexpr char32_t kNieun = 4;
    if (word.ends_with("는") || word.ends_with("은")) return false;
    char32_t last = 0;
    for (std::size_t at = 0; at < word.size();) last = search::next_code_point(word, at);
    return last >= kFirstSyllable && (last - kFirstSyllable) % kFinals == kNieun;
}

}  // namespace

std::string english_habit(const std::vector<search::Word>& words) {
    auto at = std::ranges::find(words, "i", &search::Word::text);
    if (at == words.end()) at = std::ranges::find(words, "ive", &search::Word::text);
    if (at == words.end()) return {};
    const auto skip = [&] {
        while (at != words.end() && is_in(at->text, kBetween)) ++at;
    };
    ++at;
    skip();
    if (at == words.end()) return {};
    const auto habit = std::ranges::find_if(kHabits, [&](const Habit& one) {
        return at->text == one.verb || at->text == one.going_on;
    });
    if (habit == std::end(kHabits)) return {};
    ++at;
    skip();
    std::string out(habit->verb);
    if (at != words.end()) out += ' ' + search::stem(at->text);
    return out;
}

std::optional<KoreanHabit> korean_habit(const std::vector<search::Word>& words) {
    for (std::size_t i = words.size(); i-- > 1;) {
        const auto habit = std::ranges::find_if(kKoreanHabits, [&](const KoreanVerb& one) {
            return words[i].text.starts_with(one.begins) && !words[i].text.starts_with("먹었");
        });
        if (habit == std::end(kKoreanHabits)) continue;
        auto before = i;
        while (before > 0 && is_in(words[before - 1].text, kKoreanBetween)) --before;
        if (before == 0) return std::nullopt;
        KoreanHabit out{.verb = std::string(habit->verb),
                        .object = without_particle(words[before - 1].text)};
        if (before > 1 && is_adnominal(words[before - 2].text))
            out.object.insert(0, words[before - 2].text + " ");
        if (out.verb == "끊") out.verb = is_in(out.object, kSmoked) ? "피우" : "마시";
        return out;
    }
    return std::nullopt;
}

}  // namespace ac::memory
