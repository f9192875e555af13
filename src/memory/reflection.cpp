// Reflection without a model: it quotes what episodes have in common and draws no conclusion.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "memory/extraction.h"
#include "search/tokenizer.h"

namespace ac::memory {

namespace {

constexpr std::size_t kLinesPerEpisode = 2;
constexpr std::size_t kReflectionBytesMax = 3000;
constexpr double kSharedShareMin = 0.34;  // of a line's words, that other episodes have too

struct Line {
    std::string text;
    std::set<std::string> terms;
};

// Without the titles and the quoted speaker ("Situation: User: ...").
std::vector<Line> lines_of(const std::string& episode) {
    std::vector<Line> out;
    std::set<std::string> seen;
    const auto sentences = sentences_of(episode);
    for (const auto& sentence : sentences) {
        auto text = sentence;
        for (const std::string_view title :
             {"Situation: ", "Course:", "Outcome: ", "Intent: ", "Actions: "})
            if (text.starts_with(title)) text.erase(0, title.size());
        const auto terms = search::terms_of(text);
        if (terms.size() < 2 || addresses_machine(text) || !seen.insert(text).second) continue;
        out.push_back({std::move(text), {terms.begin(), terms.end()}});
    }
    return out;
}

}  // namespace

std::string reflection_of(const std::vector<std::string>& episodes) {
    std::vector<std::vector<Line>> lines;
    std::unordered_map<std::string, int> episodes_with;
    for (const auto& episode : episodes) {
        std::set<std::string> terms;
        lines.push_back(lines_of(episode));
        for (const auto& line : lines.back()) terms.insert(line.terms.begin(), line.terms.end());
        for (const auto& term : terms) ++episodes_with[term];
    }
    std::string out;
    std::size_t quoted = 0;
    for (auto& own : lines) {
        std::vector<std::pair<double, std::size_t>> best;
        for (std::size_t i = 0; i < own.size(); ++i) {
            double shared = 0;
            for (const auto& term : own[i].terms) shared += episodes_with[term] > 1 ? 1 : 0;
            const double share = shared / static_cast<double>(own[i].terms.size());
            if (shared > 1 && share >= kSharedShareMin) best.emplace_back(-share, i);
        }
        std::ranges::sort(best);
        if (best.size() > kLinesPerEpisode) best.resize(kLinesPerEpisode);
        if (!best.empty()) ++quoted;
        for (const auto& [weight, at] : best)
            if (out.size() + own[at].text.size() < kReflectionBytesMax)
                out += "\n- " + own[at].text;
    }
    if (quoted < 2) return {};
    return "Again and again, in " + std::to_string(quoted) + " sessions:" + out;
}

}  // namespace ac::memory
