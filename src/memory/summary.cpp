// What a session was about, in its own sentences.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "memory/extraction.h"
#include "memory/speech.h"
#include "search/tokenizer.h"

namespace ac::memory {

namespace {

constexpr std::size_t kSummarySentencesMax = 8;
constexpr std::size_t kSummaryBytesMax = 2000;

struct Sentence {
    const Message* message = nullptr;
    std::string text;
    double weight = 0;
};

bool is_statement(std::string_view sentence) {
    return !is_question(sentence) && !is_small_talk(sentence) && !addresses_machine(sentence);
}

}  // namespace

std::string summary_of(const std::vector<Message>& messages) {
    std::vector<Sentence> sentences;
    std::unordered_map<std::string, int> counts;
    std::set<std::vector<std::string>> seen;  // what is said twice stands there once
    for (const auto& message : messages) {
        for (auto& text : sentences_of(message.text)) {
            auto terms = search::terms_of(text);
            if (!is_statement(text)) continue;
            for (const auto& term : terms) ++counts[term];
            terms.push_back(message.speaker);
            if (!seen.insert(std::move(terms)).second) continue;
            sentences.push_back({&message, std::move(text)});
        }
    }
    for (auto& sentence : sentences) {
        const auto terms = search::terms_of(sentence.text);
        for (const auto& term : std::set<std::string>(terms.begin(), terms.end()))
            sentence.weight += counts[term] - 1;
        sentence.weight /= 4.0 + static_cast<double>(terms.size());
    }
    std::vector<std::size_t> order(sentences.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, [&](auto a, auto b) {
        return std::pair(-sentences[a].weight, a) < std::pair(-sentences[b].weight, b);
    });
    order.resize(std::min(order.size(), kSummarySentencesMax));
    std::ranges::sort(order);
    std::string out;
    for (const auto i : order) {
        const auto line = sentences[i].message->speaker + ": " + sentences[i].text;
        if (out.size() + line.size() > kSummaryBytesMax) break;
        out += (out.empty() ? "" : "\n") + line;
    }
    return out;
}

std::string episode_of(const std::vector<Message>& messages) {
    const auto wanted = std::ranges::find_if(messages, &Message::is_person);
    if (wanted == messages.end()) return {};
    const auto first_lines = [](const Message& message) {
        std::string out;
        for (const auto& sentence : sentences_of(message.text)) {
            if (addresses_machine(sentence)) continue;
            if (out.size() + sentence.size() > kSummaryBytesMax / 4) break;
            out += (out.empty() ? "" : " ") + sentence;
        }
        return message.speaker + ": " + out;
    };
    return "Situation: " + first_lines(*wanted) + "\nCourse:\n" + summary_of(messages) +
           "\nOutcome: " + first_lines(messages.back());
}

}  // namespace ac::memory
