#include "memory/speech.h"

#include <algorithm>
#include <cctype>
#include <unordered_set>

#include "base/encoding.h"

namespace ac::memory {

namespace {

using WordSet = std::unordered_set<std::string_view>;

WordSet set_of(std::string_view words) {
    WordSet out;
    while (!words.empty()) {
        const auto end = std::min(words.find(' '), words.size());
        if (end > 0) out.insert(words.substr(0, end));
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return out;
}

// As split_words() leaves them: without apostrophes, "that's" as "that".
const WordSet& first_person() {
    static const auto out =
        set_of("i im ive ill id my me mine myself we weve well our us ours ourselves");
    return out;
}

const WordSet& second_person() {
    static const auto out = set_of("you your youre youve youll youd yours yourself u ur yall");
    return out;
}

// What talk is made of beside what it is about.
const WordSet& small_words() {
    static const auto out = set_of(
        "oh ah aw aww haha hey hi hello wow yeah yep yup yes no nope sure cool nice great awesome "
        "amazing totally absolutely definitely exactly thanks thank thx congrats congratulations "
        "wonderful fantastic sweet ok okay right true agreed really very well sounds sound looks "
        "look lets let good luck lot kind words support way go worries problem bye goodbye see "
        "soon later talk take care long time glad happy love too just like appreciate proud keep "
        "cant wait know inspiring inspire impressive interesting fun means mean much hope hear "
        "hearing such agree feel feels best dude man girl cheers please sorry fine excited stoked "
        "welcome morning evening afternoon night today up new anything something everything all "
        "there here not dont doesnt didnt isnt got get even then now more also still thing things "
        "one can could should may might must been being any what whats hows am nothing lol wish "
        "ready done able incredible stunning beautiful gorgeous perfect brilliant "
        "excellent lovely adorable crucial essential important special neat chill epic pic pics "
        "photo "
        "believe understand bet guess remember hmm um uh actually maybe perhaps btw anyway only "
        "how help question");
    return out;
}

// Of eojeols: the beginnings of what is said without saying anything.
constexpr std::string_view kKoreanSmall[] = {
    "안녕",   "감사", "고마", "고맙",   "반가", "반갑", "네",   "넵",   "예",   "응",
    "아니",   "그래", "그렇", "그럼",   "그러", "알겠", "알았", "정말", "진짜", "너무",
    "아주",   "매우", "많이", "와",     "우와", "오",   "음",   "아",   "아하", "하하",
    "ㅋ",     "ㅎ",   "ㅠ",   "수고",   "죄송", "미안", "잘",   "만나", "지내", "부탁",
    "축하",   "대박", "최고", "괜찮",   "맞아", "맞습", "좋네", "좋겠", "좋습", "좋은",
    "좋아요", "좋아", "나중", "다음에", "또",   "봐요", "뵐게", "오늘"};
// Those of them that are whole words, since many others begin with them.
constexpr std::string_view kKoreanSmallWords[] = {"네", "넵", "예", "응", "와", "오", "음", "아"};
constexpr std::string_view kKoreanSelf[] = {"저는", "나는", "제가", "내가",
                                            "저도", "나도", "전",   "난"};
// How one remarks on what was said.
constexpr std::string_view kKoreanRemarks[] = {"네요", "군요",   "구나", "겠다",
                                               "겠어", "겠어요", "잖아", "잖아요"};

// What is said about the other's news, whatever it goes on with. That news has its own record.
constexpr std::string_view kReactions[] = {"thanks for",
                                           "thank you",
                                           "thanks again",
                                           "thanks so",
                                           "congrats",
                                           "congratulations",
                                           "good luck",
                                           "best of luck",
                                           "let me know",
                                           "take care",
                                           "keep up",
                                           "keep it up",
                                           "keep going",
                                           "you're welcome",
                                           "no problem",
                                           "my pleasure",
                                           "glad you",
                                           "glad to hear",
                                           "glad it",
                                           "so glad",
                                           "happy for you",
                                           "so happy for you",
                                           "proud of you",
                                           "so proud of",
                                           "i'm so proud of",
                                           "i'm proud of you",
                                           "i'm so happy for you",
                                           "i'm happy for you",
                                           "i'm glad you",
                                           "i'm so glad you",
                                           "i'm here for you",
                                           "i'm always here",
                                           "i hope you",
                                           "hope you",
                                           "hope to",
                                           "i appreciate your",
                                           "appreciate your",
                                           "appreciate the",
                                           "i appreciate it",
                                           "sorry to hear",
                                           "i'm sorry to hear",
                                           "sounds like",
                                           "sounds great",
                                           "that sounds",
                                           "that's great",
                                           "that's awesome",
                                           "that's amazing",
                                           "that's so",
                                           "have a great",
                                           "have a good",
                                           "have a nice",
                                           "have fun",
                                           "way to go",
                                           "looking forward to hear",
                                           "can't wait to hear",
                                           "can't wait to see",
                                           "you got this",
                                           "you've got this"};

bool is_letter(char c) {
    return static_cast<unsigned char>(c) >= 0x80 ||
           std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool is_korean_small(std::string_view word) {
    if (std::ranges::find(kKoreanSelf, word) != std::end(kKoreanSelf)) return true;
    const auto begins = [&](std::string_view small) {
        const bool is_whole =
            std::ranges::find(kKoreanSmallWords, small) != std::end(kKoreanSmallWords);
        return is_whole ? word == small : word.starts_with(small);
    };
    return std::ranges::any_of(kKoreanSmall, begins);
}

bool ends_with_any(std::string_view word, const auto& endings) {
    return std::ranges::any_of(endings, [&](auto ending) { return word.ends_with(ending); });
}

bool is_korean_small_talk(const std::vector<search::Word>& words, std::size_t informative) {
    constexpr std::size_t kRemarkWordsMax = 2;
    const bool is_remark = !is_first_person(words) && informative <= kRemarkWordsMax &&
                           ends_with_any(words.back().text, kKoreanRemarks);
    return informative == 0 || is_remark;
}

// "..., Anna!": where what is said to her ends.
std::size_t end_before_name(std::string_view sentence) {
    const auto comma = sentence.rfind(", ");
    if (comma == std::string_view::npos || comma + 2 >= sentence.size()) return sentence.size();
    const auto name = sentence.substr(comma + 2);
    const auto letters =
        static_cast<std::size_t>(std::ranges::find_if_not(name, is_letter) - name.begin());
    const bool is_name = std::isupper(static_cast<unsigned char>(name.front())) != 0 &&
                         name.find_first_not_of(".!?~ ", letters) == std::string_view::npos;
    return is_name ? comma : sentence.size();
}

bool is_reaction(std::string_view sentence) {
    const auto lower = plain_lower(sentence);
    for (const auto phrase : kReactions) {
        if (!lower.starts_with(phrase)) continue;
        const auto rest = std::string_view(lower).substr(phrase.size());
        return !holds(rest, "i ") && !holds(rest, "i'") && !holds(rest, "my ") &&
               !holds(rest, "we ");
    }
    return false;
}

}  // namespace

std::string plain_lower(std::string_view text) {
    constexpr std::string_view kCurled = "’";
    std::string out;
    for (auto at = text.find(kCurled); at != std::string_view::npos; at = text.find(kCurled)) {
        out.append(text.substr(0, at)) += '\'';
        text.remove_prefix(at + kCurled.size());
    }
    return to_lower(out.append(text));
}

std::string bare(std::string_view text) {
    std::string out;
    for (const auto& word : search::split_words(text)) out += (out.empty() ? "" : " ") + word.text;
    return out;
}

bool holds(std::string_view lower, std::string_view phrase) {
    const bool is_ascii = static_cast<unsigned char>(phrase.front()) < 0x80;
    for (auto at = lower.find(phrase); at != std::string_view::npos;
         at = lower.find(phrase, at + 1))
        if (!is_ascii || at == 0 || std::isalpha(static_cast<unsigned char>(lower[at - 1])) == 0)
            return true;
    return false;
}

bool is_question(std::string_view sentence) {
    return sentence.ends_with('?') || sentence.ends_with("？");
}

bool is_first_person(const std::vector<search::Word>& words) {
    return std::ranges::any_of(words, [](const auto& word) {
        return word.is_wide ? std::ranges::find(kKoreanSelf, word.text) != std::end(kKoreanSelf)
                            : first_person().contains(word.text);
    });
}

std::size_t informative_words(const std::vector<search::Word>& words) {
    return static_cast<std::size_t>(std::ranges::count_if(words, [](const auto& word) {
        if (word.is_wide) return !is_korean_small(word.text);
        return !search::is_stop_word(word.text) && !small_words().contains(word.text) &&
               !first_person().contains(word.text) && !second_person().contains(word.text);
    }));
}

bool is_small_talk(std::string_view sentence) {
    const auto words = search::split_words(sentence.substr(0, end_before_name(sentence)));
    if (words.empty()) return true;
    const auto informative = informative_words(words);
    if (std::ranges::any_of(words, &search::Word::is_wide))
        return is_korean_small_talk(words, informative);
    if (is_reaction(sentence)) return true;
    if (is_first_person(words)) return informative < 1;
    const bool is_about_other = std::ranges::any_of(
        words, [](const auto& word) { return second_person().contains(word.text); });
    return informative < (is_about_other ? 4 : 2);
}

}  // namespace ac::memory
