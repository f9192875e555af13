#include "memory/extraction.h"

#include <algorithm>
#include <boost/json.hpp>
#include <unordered_set>

#include "memory/speech.h"
#include "memory/subjects.h"

namespace ac::memory {

namespace {

constexpr std::size_t kStatementBytesMax = 4000;  // well under the API's 16 000 characters
constexpr std::size_t kStatementsMax = 200;       // of one event: each is looked up and written

// Talk to a machine, not about a person: any of these, or one of each in a sentence.
constexpr std::string_view kAddressedToMachine[] = {
    "ignore all",        "ignore previous", "ignore your",       "ignore the above",
    "disregard",         "system prompt",   "you are now",       "you must",
    "your instructions", "as an ai",        "forget everything", "jailbreak",
    "시스템 프롬프트",   "지금부터 너는",   "지금부터 당신은",   "탈옥"};
constexpr std::string_view kDisobey[] = {"ignore", "override", "forget", "bypass", "무시", "잊어"};
constexpr std::string_view kOrders[] = {"instruction", "prompt", "guideline", "rules",
                                        "지시",        "명령",   "규칙",      "프롬프트"};

std::string quote(const Message& message, std::string_view text, WallTime when) {
    auto out = message.speaker + ": " + resolve_days(text, when);
    if (out.size() <= kStatementBytesMax) return out;
    auto end = kStatementBytesMax;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
    out.resize(end);
    return out;
}

// A statement that is there already is not said again.
class Statements final {
  public:
    bool is_full() const { return all_.size() >= kStatementsMax; }
    void add(Statement statement) {
        if (is_full() || !seen_.insert(statement.subject + "\n" + statement.text).second) return;
        all_.push_back(std::move(statement));
    }
    std::vector<Statement> take() { return std::move(all_); }

  private:
    std::vector<Statement> all_;
    std::unordered_set<std::string> seen_;
};

// The sentences that say something, without what opens them.
std::vector<std::string> told(const Message& message) {
    std::vector<std::string> out;
    for (const auto& sentence : sentences_of(message.text)) {
        if (addresses_machine(sentence)) continue;
        auto text = without_opening(sentence);
        if (!is_small_talk(text)) out.push_back(std::move(text));
    }
    return out;
}

}  // namespace

bool addresses_machine(std::string_view text) {
    const auto words = bare(text);
    const auto hits = [&](std::string_view cue) { return holds(words, cue); };
    return std::ranges::any_of(kAddressedToMachine, hits) ||
           (std::ranges::any_of(kDisobey, hits) && std::ranges::any_of(kOrders, hits));
}

std::vector<std::string> sentences_of(std::string_view text) {
    std::vector<std::string> out;
    std::string current;
    std::size_t word = 0;  // where the current word begins
    const auto flush = [&] {
        const auto first = current.find_first_not_of(" \t\r\n");
        if (first != std::string::npos)
            out.push_back(current.substr(first, current.find_last_not_of(" \t\r\n") - first + 1));
        current.clear();
        word = 0;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (c != '\n') current.push_back(c);
        if (c == ' ') word = current.size();
        const bool mark = c == '.' || c == '!' || c == '?';
        const bool before_space = i + 1 >= text.size() || text[i + 1] == ' ' || text[i + 1] == '\n';
        const bool initial = c == '.' && current.size() - word <= 2;  // "J. Smith", "C. S."
        if (c == '\n' || (mark && before_space && !initial)) flush();
        if (current.ends_with("。") || current.ends_with("？") || current.ends_with("！")) flush();
    }
    flush();
    return out;
}

// A message's sentences stay together, since they explain each other, questions too where something
// is stated beside them; what may change later is a statement of its own, so that the next such
// statement can replace it.
std::vector<Statement> facts_of(const std::vector<Message>& messages, WallTime when) {
    Statements out;
    for (const auto& message : messages) {
        if (message.is_document)
            out.add(
                {quote(message, message.text, when), text_subject(message.speaker, message.text)});
        if (!message.is_person) continue;
        std::string rest;
        bool states = false;
        for (const auto& sentence : told(message)) {
            const bool asks = is_question(sentence);
            auto subject = asks ? std::string() : fact_subject(message.speaker, sentence);
            if (subject.empty()) {
                rest += (rest.empty() ? "" : " ") + sentence;
                states = states || !asks;
            } else {
                out.add({quote(message, sentence, when), std::move(subject)});
            }
        }
        if (states) out.add({quote(message, rest, when), text_subject(message.speaker, rest)});
    }
    return out.take();
}

std::vector<Statement> preferences_of(const std::vector<Message>& messages, WallTime when) {
    Statements out;
    for (const auto& message : messages) {
        if (!message.is_person) continue;
        for (const auto& sentence : told(message)) {
            if (out.is_full()) break;
            if (is_question(sentence)) continue;
            auto subject = preference_subject(message.speaker, sentence);
            if (!subject.empty()) out.add({quote(message, sentence, when), std::move(subject)});
        }
    }
    return out.take();
}

std::optional<std::string> expand_namespace(std::string_view pattern,
                                            const NamespaceVariables& variables) {
    std::string out;
    while (!pattern.empty()) {
        const auto open = pattern.find('{');
        out += pattern.substr(0, open);
        if (open == std::string_view::npos) break;
        const auto close = pattern.find('}', open);
        if (close == std::string_view::npos) return std::nullopt;
        const auto name = pattern.substr(open + 1, close - open - 1);
        if (name == "actorId") {
            out += variables.actor;
        } else if (name == "sessionId") {
            out += variables.session;
        } else if (name == "memoryStrategyId" || name == "strategyId") {
            out += variables.strategy;
        } else {
            const auto* value = variables.custom ? variables.custom->if_contains(name) : nullptr;
            if (value == nullptr || !value->is_string()) return std::nullopt;
            out += json::value_to<std::string>(*value);
        }
        pattern.remove_prefix(close + 1);
    }
    return out;
}

}  // namespace ac::memory
