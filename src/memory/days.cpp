// Relative days in a sentence, resolved: "yesterday" becomes "yesterday (7 May 2023)".
#include "memory/days.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <ctime>

#include "base/encoding.h"
#include "memory/extraction.h"

namespace ac::memory {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};

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

bool is_word_byte(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

}  // namespace

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

std::string day_of_week(WallTime when, int day, int weeks) {
    const auto from_monday = [](int weekday) { return (weekday + 6) % 7; };
    const int away = from_monday(day) - from_monday(parts_of(when).tm_wday);
    return shifted(when, away + 7 * weeks, Unit::day);
}

std::string last_day(WallTime when, int day) {
    return shifted(when, -((parts_of(when).tm_wday - day + 6) % 7 + 1), Unit::day);
}

std::string near_month(WallTime when, int month, bool is_past) {
    const int now = parts_of(when).tm_mon;
    const int away = is_past ? -((now - month + 11) % 12 + 1) : (month - now + 11) % 12 + 1;
    return shifted(when, away, Unit::month);
}

std::string resolve_days(std::string_view sentence, WallTime when) {
    const std::string lower = to_lower(sentence);  // ASCII: same length
    std::string out;
    for (std::size_t at = 0; at < sentence.size();) {
        FoundDay found;
        if (static_cast<unsigned char>(lower[at]) >= 0x80 || is_word_byte(lower[at]))
            if (at == 0 || !is_word_byte(lower[at - 1])) {
                found = english_day(lower, at, when);
                if (found.end == 0) found = korean_day(lower, at, when);
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
