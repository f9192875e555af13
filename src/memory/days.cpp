// Relative days in a sentence, resolved: "yesterday" becomes "yesterday (7 May 2023)".
#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <ctime>

#include "base/encoding.h"
#include "memory/extraction.h"

namespace ac::memory {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};

enum class Unit { day, week, month, year };

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
    {"last week", -1, Unit::week},
    {"next week", 1, Unit::week},
    {"last month", -1, Unit::month},
    {"next month", 1, Unit::month},
    {"last year", -1, Unit::year},
    {"next year", 1, Unit::year},
    {"그저께", -2, Unit::day},
    {"어제", -1, Unit::day},
    {"오늘", 0, Unit::day},
    {"내일", 1, Unit::day},
    {"지난주", -1, Unit::week},
    {"다음 주", 1, Unit::week},
    {"지난달", -1, Unit::month},
    {"다음 달", 1, Unit::month},
    {"작년", -1, Unit::year},
    {"내년", 1, Unit::year},
};

std::tm parts_of(WallTime when) {
    const std::time_t seconds = to_epoch_ms(when) / 1000;
    std::tm out{};
    gmtime_r(&seconds, &out);
    return out;
}

std::string describe(std::tm day, Unit unit) {
    day.tm_isdst = 0;
    const std::time_t seconds = timegm(&day);
    gmtime_r(&seconds, &day);
    const auto month = kMonths[static_cast<std::size_t>(day.tm_mon)];
    switch (unit) {
        case Unit::day:
            return fmt::format("{} {} {}", day.tm_mday, month, day.tm_year + 1900);
        case Unit::week:
            return fmt::format("around {} {} {}", day.tm_mday, month, day.tm_year + 1900);
        case Unit::month:
            return fmt::format("{} {}", month, day.tm_year + 1900);
        case Unit::year:
            return fmt::format("{}", day.tm_year + 1900);
    }
    return {};
}

std::string shifted(WallTime when, int amount, Unit unit) {
    std::tm day = parts_of(when);
    switch (unit) {
        case Unit::day:
            day.tm_mday += amount;
            break;
        case Unit::week:
            day.tm_mday += 7 * amount;
            break;
        case Unit::month:
            day.tm_mday = 1;  // the 31st of a short month would be in the next one
            day.tm_mon += amount;
            break;
        case Unit::year:
            day.tm_year += amount;
            break;
    }
    return describe(day, unit);
}

bool is_word_byte(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

bool stands_alone(std::string_view text, std::size_t at, std::size_t length) {
    if (static_cast<unsigned char>(text[at]) >= 0x80) return true;  // Korean takes particles
    const bool before = at > 0 && is_word_byte(text[at - 1]);
    const bool after = at + length < text.size() && is_word_byte(text[at + length]);
    return !before && !after;
}

struct Found {
    std::size_t end = 0;  // just after the phrase; 0: none begins here
    std::string day;
};

Found phrase_at(std::string_view lower, std::size_t at, WallTime when) {
    for (const auto& phrase : kPhrases)
        if (lower.substr(at).starts_with(phrase.text) &&
            stands_alone(lower, at, phrase.text.size()))
            return {at + phrase.text.size(), shifted(when, phrase.amount, phrase.unit)};
    return {};
}

// "last friday": the newest one before the event's day.
Found weekday_at(std::string_view lower, std::size_t at, WallTime when) {
    constexpr std::string_view kLast = "last ";
    if (!lower.substr(at).starts_with(kLast)) return {};
    const auto rest = lower.substr(at + kLast.size());
    for (std::size_t i = 0; i < kWeekdays.size(); ++i) {
        if (!rest.starts_with(kWeekdays[i])) continue;
        const int today = parts_of(when).tm_wday;
        const int back = (today - static_cast<int>(i) + 6) % 7 + 1;
        return {at + kLast.size() + kWeekdays[i].size(), shifted(when, -back, Unit::day)};
    }
    return {};
}

// "3 weeks ago", "two years ago".
Found ago_at(std::string_view lower, std::size_t at, WallTime when) {
    constexpr std::array<std::string_view, 7> kNumbers = {"a",    "one",  "two", "three",
                                                          "four", "five", "six"};
    constexpr std::array<std::string_view, 4> kUnits = {"day", "week", "month", "year"};
    const auto rest = lower.substr(at);
    const auto space = rest.find(' ');
    if (space == std::string_view::npos || space > 5) return {};
    int amount = 0;
    const auto number = rest.substr(0, space);
    std::from_chars(number.data(), number.data() + number.size(), amount);
    for (std::size_t i = 0; i < kNumbers.size(); ++i)
        if (number == kNumbers[i]) amount = i == 0 ? 1 : static_cast<int>(i);
    if (amount <= 0 || amount > 1000) return {};
    for (std::size_t i = 0; i < kUnits.size(); ++i) {
        auto tail = rest.substr(space + 1);
        if (!tail.starts_with(kUnits[i])) continue;
        tail.remove_prefix(kUnits[i].size());
        if (tail.starts_with('s')) tail.remove_prefix(1);
        if (!tail.starts_with(" ago")) return {};
        const auto end = lower.size() - tail.size() + 4;
        return {end, shifted(when, -amount, static_cast<Unit>(i))};
    }
    return {};
}

}  // namespace

std::string resolve_days(std::string_view sentence, WallTime when) {
    const std::string lower = to_lower(sentence);  // ASCII: same length
    std::string out;
    for (std::size_t at = 0; at < sentence.size();) {
        Found found;
        if (at == 0 || !is_word_byte(lower[at - 1])) {
            found = phrase_at(lower, at, when);
            if (found.end == 0) found = weekday_at(lower, at, when);
            if (found.end == 0) found = ago_at(lower, at, when);
        }
        if (found.end == 0) {
            out.push_back(sentence[at++]);
            continue;
        }
        out += sentence.substr(at, found.end - at);
        out += " (" + found.day + ")";
        at = found.end;
    }
    return out;
}

}  // namespace ac::memory
