#pragma once
// Arithmetic of relative days, for the parts that find them in English and in Korean.

#include <string>
#include <string_view>

#include "base/clock.h"

namespace ac::memory {

enum class Unit { day, week, month, year };

// The day, "around" it, the month or the year that is so many units away.
std::string shifted(WallTime when, int amount, Unit unit);
// A day of the week (0: Sunday) of a week so many away; weeks begin on Monday.
std::string day_of_week(WallTime when, int day, int weeks);
// The newest such day before the event's own.
std::string last_day(WallTime when, int day);
// The month (0: January), the newest before the event's own or the first after it.
std::string near_month(WallTime when, int month, bool is_past);

struct FoundDay {
    std::size_t end = 0;  // just after the phrase; 0: none begins here
    std::string day;
};
// A relative day that begins at `at`; `lower` is the sentence in lower case.
FoundDay english_day(std::string_view lower, std::size_t at, WallTime when);
FoundDay korean_day(std::string_view text, std::size_t at, WallTime when);

}  // namespace ac::memory
