#include <algorithm>
#include <array>
#include <ctime>

#include "search/index.h"

namespace ac::search {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};

// "8 may 2023": a question that names a day finds what happened then.
std::string date_words(std::int64_t time_ms) {
    const std::time_t seconds = time_ms / 1000;
    std::tm parts{};
    if (gmtime_r(&seconds, &parts) == nullptr) return {};
    std::string out = " " + std::to_string(parts.tm_mday) + " ";
    out += kMonths[static_cast<std::size_t>(parts.tm_mon)];
    return out + " " + std::to_string(parts.tm_year + 1900);
}

// A name before a colon, as in transcripts: "Anna Maria: ...". Empty: there is none.
std::string_view speaker_of(std::string_view text) {
    constexpr std::size_t kNameBytesMax = 40;
    const auto name = text.substr(0, std::min(text.find(": "), text.size()));
    if (name.size() == text.size() || name.size() > kNameBytesMax) return {};
    if (name.empty() || (name.front() >= 'a' && name.front() <= 'z')) return {};
    return std::ranges::count(name, ' ') > 2 ? std::string_view() : name;
}

}  // namespace

Analysis analyse(Document document) {
    auto forms = forms_of(split_words(document.text + date_words(document.time_ms)));
    const auto name = terms_of(speaker_of(document.text));
    return {.document = std::move(document),
            .forms = std::move(forms),
            .speaker = name.empty() ? std::string() : name.front()};
}

}  // namespace ac::search
