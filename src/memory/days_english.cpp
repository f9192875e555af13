#include <array>
#include <cctype>
#include <charconv>

#include "memory/days.h"

namespace ac::memory {

namespace {

struct Phrase {
    std::string_view text;
    int amount;
    Unit unit;
};

// Longer phrases before those that they contain.
constexpr Phrase kPhrases[] = {
    {"the day before yesterday", -2, Unit::day},
    {"the day after tomorrow", 2, Unit::day},
    {"yesterday", -1, Unit::day},
    {"last night", -1, Unit::day},
    {"tomorrow", 1, Unit::day},
    {"today", 0, Unit::day},
    {"tonight", 0, Unit::day},
    {"this morning", 0, Unit::day},
    {"this afternoon", 0, Unit::day},
    {"this evening", 0, Unit::day},
    {"last week", -1, Unit::week},
    {"this week", 0, Unit::week},
    {"next week", 1, Unit::week},
    {"last month", -1, Unit::month},
    {"this month", 0, Unit::month},
    {"next month", 1, Unit::month},
    {"last year", -1, Unit::year},
    {"this year", 0, Unit::year},
    {"next year", 1, Unit::year},
};
constexpr std::array<std::string_view, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};
constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};
constexpr std::array<std::string_view, 13> kNumbers = {"a",    "one",    "two",   "three", "four",
                                                       "five", "six",    "seven", "eight", "nine",
                                                       "ten",  "eleven", "twelve"};
constexpr std::array<std::string_view, 4> kUnits = {"day", "week", "month", "year"};
constexpr int kSaturday = 6;

bool is_word_byte(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

// Where the word ends that begins at `at`, if it is `word`; else 0.
std::size_t after(std::string_view lower, std::size_t at, std::string_view word) {
    if (!lower.substr(std::min(at, lower.size())).starts_with(word)) return 0;
    const auto end = at + word.size();
    return end < lower.size() && is_word_byte(lower[end]) ? 0 : end;
}

FoundDay phrase_at(std::string_view lower, std::size_t at, WallTime when) {
    for (const auto& phrase : kPhrases)
        if (const auto end = after(lower, at, phrase.text); end > 0)
            return {end, shifted(when, phrase.amount, phrase.unit)};
    return {};
}

// "last friday", "this weekend", "next march".
FoundDay named_at(std::string_view lower, std::size_t at, WallTime when) {
    int weeks = 2;
    auto from = after(lower, at, "last");
    if (from > 0) weeks = -1;
    if (from == 0) from = after(lower, at, "this past"), weeks = from > 0 ? -1 : weeks;
    if (from == 0) from = after(lower, at, "this"), weeks = from > 0 ? 0 : weeks;
    if (from == 0) from = after(lower, at, "next"), weeks = from > 0 ? 1 : weeks;
    if (from == 0 || from + 1 >= lower.size() || lower[from] != ' ') return {};
    ++from;
    for (std::size_t i = 0; i < kWeekdays.size(); ++i)
        if (const auto end = after(lower, from, kWeekdays[i]); end > 0)
            return {end, weeks < 0 ? last_day(when, static_cast<int>(i))
                                   : day_of_week(when, static_cast<int>(i), weeks)};
    if (const auto end = after(lower, from, "weekend"); end > 0)
        return {end, "around " + day_of_week(when, kSaturday, weeks)};
    if (weeks == 0) return {};
    for (std::size_t i = 0; i < kMonths.size(); ++i)
        if (const auto end = after(lower, from, kMonths[i]); end > 0)
            return {end, near_month(when, static_cast<int>(i), weeks < 0)};
    return {};
}

struct Amount {
    std::size_t end = 0;
    int number = 0;
    Unit unit = Unit::day;
};

// "3 weeks", "two years", "a couple of days".
Amount amount_at(std::string_view lower, std::size_t at) {
    constexpr int kAmountMax = 1000;
    Amount out;
    for (const std::string_view couple : {"a couple of ", "couple of ", "a couple "})
        if (lower.substr(at).starts_with(couple)) {
            out.number = 2;
            at += couple.size();
            break;
        }
    if (out.number == 0) {
        const auto space = lower.find(' ', at);
        if (space == std::string_view::npos || space - at > 6) return {};
        const auto number = lower.substr(at, space - at);
        std::from_chars(number.data(), number.data() + number.size(), out.number);
        for (std::size_t i = 0; i < kNumbers.size(); ++i)
            if (number == kNumbers[i]) out.number = i == 0 ? 1 : static_cast<int>(i);
        if (out.number <= 0 || out.number > kAmountMax) return {};
        at = space + 1;
    }
    for (std::size_t i = 0; i < kUnits.size(); ++i) {
        if (!lower.substr(at).starts_with(kUnits[i])) continue;
        out.end = at + kUnits[i].size();
        if (lower.substr(out.end).starts_with('s')) ++out.end;
        out.unit = static_cast<Unit>(i);
        return out;
    }
    return {};
}

// "3 weeks ago", "two years from now", "in a month".
FoundDay distance_at(std::string_view lower, std::size_t at, WallTime when) {
    if (const auto amount = amount_at(lower, at); amount.end > 0) {
        if (const auto end = after(lower, amount.end, " ago"); end > 0)
            return {end, shifted(when, -amount.number, amount.unit)};
        if (const auto end = after(lower, amount.end, " from now"); end > 0)
            return {end, shifted(when, amount.number, amount.unit)};
        return {};
    }
    if (!lower.substr(at).starts_with("in ")) return {};
    const auto amount = amount_at(lower, at + 3);
    // "in two weeks", but not "in a day's work".
    if (amount.end == 0 || (amount.end < lower.size() &&
                            (is_word_byte(lower[amount.end]) || lower[amount.end] == '\'')))
        return {};
    return {amount.end, shifted(when, amount.number, amount.unit)};
}

}  // namespace

FoundDay english_day(std::string_view lower, std::size_t at, WallTime when) {
    auto out = phrase_at(lower, at, when);
    if (out.end == 0) out = named_at(lower, at, when);
    if (out.end == 0) out = distance_at(lower, at, when);
    return out;
}

}  // namespace ac::memory
