#include "search/stemmer.h"

#include <algorithm>
#include <array>
#include <span>
#include <unordered_map>
#include <vector>

namespace ac::search {

namespace {

// No English word is longer; what is has no endings either.
constexpr std::size_t kWordBytesMax = 48;

// First word of a group: the form that stands for all.
constexpr std::array<std::string_view, 62> kIrregular = {
    "go went gone goes",
    "buy bought",
    "think thought",
    "bring brought",
    "make made",
    "take took taken",
    "give gave given",
    "get got gotten",
    "see saw seen",
    "run ran",
    "write wrote written",
    "begin began begun",
    "feel felt",
    "meet met",
    "find found",
    "lose lost",
    "leave left",
    "tell told",
    "say said",
    "teach taught",
    "child children kid kids",
    "speak spoke spoken",
    "win won",
    "come came",
    "become became",
    "eat ate eaten",
    "drive drove driven",
    "fly flew flown",
    "grow grew grown",
    "know knew known",
    "choose chose chosen",
    "break broke broken",
    "hear heard",
    "keep kept",
    "sell sold",
    "send sent",
    "spend spent",
    "swim swam swum",
    "sing sang sung",
    "draw drew drawn",
    "build built",
    "hold held",
    "wear wore worn",
    "fall fell fallen",
    "catch caught",
    "fight fought",
    "sit sat",
    "stand stood",
    "understand understood",
    "pay paid",
    "wake woke woken",
    "ride rode ridden",
    "forget forgot forgotten",
    "hide hid hidden",
    "throw threw thrown",
    "drink drank drunk",
    "sleep slept",
    "man men",
    "woman women",
    "person people",
    "mother mom mum mommy",
    "father dad daddy",
};

const std::unordered_map<std::string_view, std::string_view>& irregular() {
    static const auto table = [] {
        std::unordered_map<std::string_view, std::string_view> out;
        for (std::string_view group : kIrregular) {
            const auto head = group.substr(0, group.find(' '));
            while (!group.empty()) {
                const auto end = std::min(group.find(' '), group.size());
                out.emplace(group.substr(0, end), head);
                group.remove_prefix(std::min(end + 1, group.size()));
            }
        }
        return out;
    }();
    return table;
}

bool is_consonant(std::string_view word, std::size_t i) {
    switch (word[i]) {
        case 'a':
        case 'e':
        case 'i':
        case 'o':
        case 'u':
            return false;
        case 'y':
            return i == 0 || !is_consonant(word, i - 1);
        default:
            return true;
    }
}

// Porter's m: how many times a vowel run is followed by a consonant run.
int measure(std::string_view stem) {
    int count = 0;
    bool vowel_before = false;
    for (std::size_t i = 0; i < stem.size(); ++i) {
        const bool consonant = is_consonant(stem, i);
        if (consonant && vowel_before) ++count;
        vowel_before = !consonant;
    }
    return count;
}

bool has_vowel(std::string_view stem) {
    for (std::size_t i = 0; i < stem.size(); ++i)
        if (!is_consonant(stem, i)) return true;
    return false;
}

bool ends_cvc(std::string_view stem) {
    const auto n = stem.size();
    if (n < 3) return false;
    const char last = stem[n - 1];
    return is_consonant(stem, n - 1) && !is_consonant(stem, n - 2) && is_consonant(stem, n - 3) &&
           last != 'w' && last != 'x' && last != 'y';
}

bool ends_doubled(std::string_view stem) {
    const auto n = stem.size();
    return n >= 2 && stem[n - 1] == stem[n - 2] && is_consonant(stem, n - 1);
}

struct Rule {
    std::string_view from;
    std::string_view to;
};

// The first rule whose ending fits decides, whether or not its condition holds.
void apply(std::string& word, std::span<const Rule> rules, int measure_min) {
    for (const auto& rule : rules) {
        if (!word.ends_with(rule.from)) continue;
        const auto stem = std::string_view(word).substr(0, word.size() - rule.from.size());
        if (measure(stem) < measure_min) return;
        if (rule.from == "ion" && !stem.ends_with('s') && !stem.ends_with('t')) return;
        word.replace(stem.size(), rule.from.size(), rule.to);
        return;
    }
}

constexpr Rule kStep2[] = {
    {"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"}, {"anci", "ance"}, {"izer", "ize"},
    {"bli", "ble"},     {"alli", "al"},     {"entli", "ent"}, {"eli", "e"},     {"ousli", "ous"},
    {"ization", "ize"}, {"ation", "ate"},   {"ator", "ate"},  {"alism", "al"},  {"iveness", "ive"},
    {"fulness", "ful"}, {"ousness", "ous"}, {"aliti", "al"},  {"iviti", "ive"}, {"biliti", "ble"},
    {"logi", "log"},
};
constexpr Rule kStep3[] = {
    {"icate", "ic"}, {"ative", ""}, {"alize", "al"}, {"iciti", "ic"},
    {"ical", "ic"},  {"ful", ""},   {"ness", ""},
};
constexpr Rule kStep4[] = {
    {"ement", ""}, {"ance", ""}, {"ence", ""}, {"able", ""}, {"ible", ""},
    {"ment", ""},  {"ant", ""},  {"ent", ""},  {"ism", ""},  {"ate", ""},
    {"iti", ""},   {"ous", ""},  {"ive", ""},  {"ize", ""},  {"ion", ""},
    {"al", ""},    {"er", ""},   {"ic", ""},   {"ou", ""},
};

void strip_plural(std::string& word) {
    if (word.ends_with("sses") || word.ends_with("ies"))
        word.resize(word.size() - 2);
    else if (!word.ends_with("ss") && word.ends_with('s'))
        word.pop_back();
}

void strip_past_and_gerund(std::string& word) {
    const std::string_view view = word;
    if (word.ends_with("eed")) {
        if (measure(view.substr(0, view.size() - 3)) > 0) word.pop_back();
        return;
    }
    if (word.ends_with("ed") && has_vowel(view.substr(0, view.size() - 2)))
        word.resize(word.size() - 2);
    else if (word.ends_with("ing") && has_vowel(view.substr(0, view.size() - 3)))
        word.resize(word.size() - 3);
    else
        return;
    if (word.ends_with("at") || word.ends_with("bl") || word.ends_with("iz"))
        word.push_back('e');
    else if (ends_doubled(word) && !word.ends_with('l') && !word.ends_with('s') &&
             !word.ends_with('z'))
        word.pop_back();
    else if (measure(word) == 1 && ends_cvc(word))
        word.push_back('e');
}

void strip_final_e(std::string& word) {
    if (word.ends_with('e')) {
        const auto stem = std::string_view(word).substr(0, word.size() - 1);
        const int m = measure(stem);
        if (m > 1 || (m == 1 && !ends_cvc(stem))) word.pop_back();
    }
    if (word.ends_with("ll") && measure(word) > 1) word.pop_back();
}

}  // namespace

std::string stem(std::string_view text) {
    const auto& forms = irregular();
    if (const auto found = forms.find(text); found != forms.end()) text = found->second;
    std::string word(text);
    const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    if (word.size() <= 2 || word.size() > kWordBytesMax) return word;
    if (!std::ranges::all_of(word, is_letter)) return word;
    strip_plural(word);
    strip_past_and_gerund(word);
    if (word.ends_with('y') && has_vowel(std::string_view(word).substr(0, word.size() - 1)))
        word.back() = 'i';
    apply(word, kStep2, 1);
    apply(word, kStep3, 1);
    apply(word, kStep4, 2);
    strip_final_e(word);
    return word;
}

}  // namespace ac::search
