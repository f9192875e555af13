#include <array>
#include <charconv>

#include "memory/days.h"

namespace ac::memory {

namespace {

struct Phrase {
    std::string_view text;
    int amount;
    Unit unit;
};

// Longer phrases before those that they contain. Particles may follow.
constexpr Phrase kPhrases[] = {
    {"그저께", -2, Unit::day},     {"그제", -2, Unit::day},      {"어제", -1, Unit::day},
    {"어젯밤", -1, Unit::day},     {"오늘", 0, Unit::day},       {"내일모레", 2, Unit::day},
    {"내일", 1, Unit::day},        {"모레", 2, Unit::day},       {"지난주", -1, Unit::week},
    {"지난 주", -1, Unit::week},   {"저번 주", -1, Unit::week},  {"저번주", -1, Unit::week},
    {"이번 주", 0, Unit::week},    {"이번주", 0, Unit::week},    {"다음 주", 1, Unit::week},
    {"다음주", 1, Unit::week},     {"지난달", -1, Unit::month},  {"지난 달", -1, Unit::month},
    {"이번 달", 0, Unit::month},   {"이번달", 0, Unit::month},   {"다음 달", 1, Unit::month},
    {"다음달", 1, Unit::month},    {"재작년", -2, Unit::year},   {"작년", -1, Unit::year},
    {"지난해", -1, Unit::year},    {"올해", 0, Unit::year},      {"내년", 1, Unit::year},
    {"일주일 전", -1, Unit::week}, {"일주일 후", 1, Unit::week}, {"하루 전", -1, Unit::day},
    {"이틀 전", -2, Unit::day},    {"사흘 전", -3, Unit::day},   {"나흘 전", -4, Unit::day},
    {"이틀 뒤", 2, Unit::day},     {"이틀 후", 2, Unit::day},    {"보름 전", -15, Unit::day},
};
constexpr std::array<std::string_view, 7> kWeekdays = {"일요일", "월요일", "화요일", "수요일",
                                                       "목요일", "금요일", "토요일"};
constexpr std::string_view kNumbers[] = {"한",   "두",   "세",   "네",   "다섯",
                                         "여섯", "일곱", "여덟", "아홉", "열"};
constexpr int kSaturday = 6;
constexpr int kAmountMax = 1000;

std::string_view without_space(std::string_view text) {
    if (text.starts_with(' ')) text.remove_prefix(1);
    return text;
}

// "지난주 토요일", "다음 주말".
FoundDay weekday_at(std::string_view text, std::size_t at, WallTime when) {
    struct Week {
        std::string_view text;
        int weeks;
    };
    constexpr Week kWeeks[] = {{"지난주", -1}, {"지난 주", -1}, {"저번 주", -1}, {"저번주", -1},
                               {"이번 주", 0}, {"이번주", 0},   {"다음 주", 1},  {"다음주", 1},
                               {"지난", -2},   {"이번", 0},     {"다음", 1}};
    for (const auto& week : kWeeks) {
        if (!text.substr(at).starts_with(week.text)) continue;
        const auto rest = without_space(text.substr(at + week.text.size()));
        const auto from = text.size() - rest.size();
        for (std::size_t i = 0; i < kWeekdays.size(); ++i) {
            if (!rest.starts_with(kWeekdays[i])) continue;
            const auto day = static_cast<int>(i);
            return {from + kWeekdays[i].size(),
                    week.weeks == -2 ? last_day(when, day) : day_of_week(when, day, week.weeks)};
        }
        for (const std::string_view weekend : {"주말", "말"})
            if (rest.starts_with(weekend))
                return {from + weekend.size(),
                        "around " + day_of_week(when, kSaturday, std::max(week.weeks, -1))};
    }
    return {};
}

// "3일 전", "두 달 전", "2주 후".
FoundDay distance_at(std::string_view text, std::size_t at, WallTime when) {
    auto rest = text.substr(at);
    int number = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    rest.remove_prefix(static_cast<std::size_t>(parsed.ptr - rest.data()));
    for (std::size_t i = 0; number == 0 && i < std::size(kNumbers); ++i)
        if (rest.starts_with(kNumbers[i])) {
            number = static_cast<int>(i) + 1;
            rest.remove_prefix(kNumbers[i].size());
        }
    if (number <= 0 || number > kAmountMax) return {};
    constexpr Phrase kUnits[] = {{"일", 1, Unit::day},   {"주일", 1, Unit::week},
                                 {"주", 1, Unit::week},  {"개월", 1, Unit::month},
                                 {"달", 1, Unit::month}, {"년", 1, Unit::year},
                                 {"해", 1, Unit::year}};
    rest = without_space(rest);
    for (const auto& unit : kUnits) {
        if (!rest.starts_with(unit.text)) continue;
        const auto direction = without_space(rest.substr(unit.text.size()));
        for (const std::string_view word : {"전", "후", "뒤"})
            if (direction.starts_with(word))
                return {text.size() - direction.size() + word.size(),
                        shifted(when, word == "전" ? -number : number, unit.unit)};
    }
    return {};
}

}  // namespace

FoundDay korean_day(std::string_view text, std::size_t at, WallTime when) {
    auto out = weekday_at(text, at, when);
    for (const auto& phrase : kPhrases)
        if (out.end == 0 && text.substr(at).starts_with(phrase.text))
            out = {at + phrase.text.size(), shifted(when, phrase.amount, phrase.unit)};
    if (out.end == 0) out = distance_at(text, at, when);
    return out;
}

}  // namespace ac::memory
