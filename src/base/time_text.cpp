#include "base/time_text.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace ac {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Parts {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int ms = 0;
    unsigned weekday = 0;
};

Parts split(WallTime time) {
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const auto rest = (time - day).count();
    return {.year = static_cast<int>(date.year()),
            .month = static_cast<unsigned>(date.month()),
            .day = static_cast<unsigned>(date.day()),
            .hour = static_cast<int>(rest / 3'600'000),
            .minute = static_cast<int>(rest / 60'000 % 60),
            .second = static_cast<int>(rest / 1000 % 60),
            .ms = static_cast<int>(rest % 1000),
            .weekday = std::chrono::weekday{day}.c_encoding()};
}

std::optional<WallTime> join(const Parts& p) {
    const year_month_day date{std::chrono::year{p.year}, std::chrono::month{p.month},
                              std::chrono::day{p.day}};
    if (!date.ok() || p.hour > 23 || p.minute > 59 || p.second > 60) return std::nullopt;
    const auto ms = ((p.hour * 60 + p.minute) * 60 + p.second) * 1000LL + p.ms;
    return WallTime{sys_days{date}.time_since_epoch() + Milliseconds{ms}};
}

// Reads exactly `digits` decimal digits at the front of `text` and drops them.
template <class Int>
bool take(std::string_view& text, std::size_t digits, Int& out) {
    if (text.size() < digits) return false;
    out = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (text[i] < '0' || text[i] > '9') return false;
        out = static_cast<Int>(out * 10 + static_cast<Int>(text[i] - '0'));
    }
    text.remove_prefix(digits);
    return true;
}

bool take(std::string_view& text, char c) {
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

// ".678901" -> 678; no fraction is 0.
bool take_fraction(std::string_view& text, int& ms) {
    ms = 0;
    if (!take(text, '.')) return true;
    std::size_t n = 0;
    for (; n < text.size() && text[n] >= '0' && text[n] <= '9'; ++n)
        if (n < 3) ms = ms * 10 + (text[n] - '0');
    if (n == 0 || n > 9) return false;
    for (std::size_t i = n; i < 3; ++i) ms *= 10;
    text.remove_prefix(n);
    return true;
}

// "Z" or "+09:00" -> minutes east of UTC.
bool take_offset(std::string_view& text, int& minutes) {
    minutes = 0;
    if (take(text, 'Z') || take(text, 'z')) return true;
    const bool east = !text.empty() && text.front() == '+';
    if (!east && (text.empty() || text.front() != '-')) return false;
    text.remove_prefix(1);
    int h = 0;
    int m = 0;
    if (!take(text, 2, h) || !take(text, ':') || !take(text, 2, m) || h > 23 || m > 59)
        return false;
    minutes = (h * 60 + m) * (east ? 1 : -1);
    return true;
}

}  // namespace

std::string to_rfc3339(WallTime time) {
    const Parts p = split(time);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", p.year, p.month, p.day, p.hour,
                       p.minute, p.second, p.ms);
}

std::string to_amz_date(WallTime time) {
    const Parts p = split(time);
    // Every signed request needs one: by hand, a tenth of what a format string takes.
    std::string out = "00000000T000000Z";
    const auto put = [&](std::size_t first, std::size_t count, auto value) {
        for (auto at = first + count; at-- > first; value /= 10)
            out[at] = static_cast<char>('0' + value % 10);
    };
    put(0, 4, p.year);
    put(4, 2, p.month);
    put(6, 2, p.day);
    put(9, 2, p.hour);
    put(11, 2, p.minute);
    put(13, 2, p.second);
    return out;
}

std::string to_http_date(WallTime time) {
    const Parts p = split(time);
    return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[p.weekday], p.day,
                       kMonths[p.month - 1], p.year, p.hour, p.minute, p.second);
}

std::optional<WallTime> from_rfc3339(std::string_view text) {
    Parts p;
    int east = 0;
    if (!take(text, 4, p.year) || !take(text, '-') || !take(text, 2, p.month) || !take(text, '-') ||
        !take(text, 2, p.day) || !(take(text, 'T') || take(text, 't') || take(text, ' ')) ||
        !take(text, 2, p.hour) || !take(text, ':') || !take(text, 2, p.minute) ||
        !take(text, ':') || !take(text, 2, p.second) || !take_fraction(text, p.ms) ||
        !take_offset(text, east) || !text.empty())
        return std::nullopt;
    auto time = join(p);
    if (time) *time -= std::chrono::minutes{east};
    return time;
}

std::optional<WallTime> from_amz_date(std::string_view text) {
    Parts p;
    if (!take(text, 4, p.year) || !take(text, 2, p.month) || !take(text, 2, p.day) ||
        !take(text, 'T') || !take(text, 2, p.hour) || !take(text, 2, p.minute) ||
        !take(text, 2, p.second) || !take(text, 'Z') || !text.empty())
        return std::nullopt;
    return join(p);
}

std::optional<WallTime> from_http_date(std::string_view text) {
    Parts p;
    if (text.size() != 29 || text.substr(3, 2) != ", ") return std::nullopt;
    text.remove_prefix(5);
    if (!take(text, 2, p.day) || !take(text, ' ')) return std::nullopt;
    for (std::size_t i = 0; i < kMonths.size(); ++i)
        if (text.starts_with(kMonths[i])) p.month = static_cast<unsigned>(i + 1);
    text.remove_prefix(3);
    if (!take(text, ' ') || !take(text, 4, p.year) || !take(text, ' ') || !take(text, 2, p.hour) ||
        !take(text, ':') || !take(text, 2, p.minute) || !take(text, ':') ||
        !take(text, 2, p.second) || text != " GMT")
        return std::nullopt;
    return join(p);
}

}  // namespace ac
