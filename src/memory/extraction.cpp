#include "memory/extraction.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cctype>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "search/tokenizer.h"

namespace ac::memory {

namespace {

constexpr std::size_t kStatementBytesMax = 4000;  // well under the API's 16 000 characters
constexpr std::size_t kSummarySentencesMax = 8;
constexpr std::size_t kSummaryBytesMax = 2000;
constexpr std::size_t kStatementsMax = 200;  // of one event: each is looked up and written
constexpr std::size_t kContentTermsMin = 2;  // "Thanks!" states nothing

// Talk to a machine, not about a person: any of these, or one of each in a sentence.
constexpr std::array<std::string_view, 16> kAddressedToMachine = {
    "ignore all",        "ignore previous", "ignore your",       "ignore the above",
    "disregard",         "system prompt",   "you are now",       "you must",
    "your instructions", "as an ai",        "forget everything", "jailbreak",
    "시스템 프롬프트",   "지금부터 너는",   "지금부터 당신은",   "탈옥"};
constexpr std::array<std::string_view, 6> kDisobey = {"ignore", "override", "forget",
                                                      "bypass", "무시",     "잊어"};
constexpr std::array<std::string_view, 8> kOrders = {
    "instruction", "prompt", "guideline", "rules", "지시", "명령", "규칙", "프롬프트"};

// Who talks in a prompt. Nobody is called that, and a record must not look like one.
constexpr std::array<std::string_view, 10> kRoles = {
    "system", "assistant", "developer", "user", "human", "tool", "function", "model", "bot", "ai"};

constexpr std::array<std::string_view, 30> kPreferenceCues = {
    "i like",         "i love",        "i prefer",      "i enjoy",   "i hate",   "i dislike",
    "i don't like",   "i do not like", "i can't stand", "i want",    "i need",   "i always",
    "i never",        "i usually",     "favorite",      "favourite", "allergic", "i'd rather",
    "i would rather", "fan of",        "좋아",          "싫어",      "선호",     "최애",
    "알레르기",       "즐겨",          "원해",          "사랑해",    "못 먹",    "관심"};

// Words of a preference that are not what it is about.
constexpr std::array<std::string_view, 24> kCueTerms = {
    "like",    "love",     "prefer", "enjoi", "hate",  "dislik", "dont",   "cant",
    "stand",   "want",     "need",   "alwai", "never", "usual",  "not",    "realli",
    "favorit", "favourit", "anymor", "more",  "still", "now",    "longer", "doesnt"};

struct Attribute {
    std::string_view cue;
    std::string_view name;
};
// What a person has one of, at a time.
constexpr Attribute kAttributes[] = {
    {"my name is", "name"},         {"i live in", "home"},     {"i moved to", "home"},
    {"i now live in", "home"},      {"i'm living in", "home"}, {"i work as", "work"},
    {"i work for", "employer"},     {"i work at", "employer"}, {"years old", "age"},
    {"my birthday is", "birthday"}, {"my email is", "email"},  {"my phone", "phone"},
    {"제 이름은", "name"},          {"내 이름은", "name"},     {"에 살아", "home"},
    {"에 삽니다", "home"},          {"에 살고", "home"},       {"로 이사", "home"},
    {"제 생일은", "birthday"},      {"제 직업은", "work"},
};

bool holds(std::string_view lower, std::string_view cue) {
    const auto at = lower.find(cue);
    if (at == std::string_view::npos) return false;
    const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
    return static_cast<unsigned char>(cue.front()) >= 0x80 || at == 0 || !is_letter(lower[at - 1]);
}

std::string plain_lower(std::string_view text) {
    std::string out = to_lower(text);
    for (auto at = out.find("’"); at != std::string::npos; at = out.find("’", at))
        out.replace(at, std::string_view("’").size(), "'");
    return out;
}

// The words of a text without case, marks and what cannot be seen, so that none of it hides a word.
std::string bare(std::string_view text) {
    std::string out;
    for (const auto& word : search::split_words(text)) out += (out.empty() ? "" : " ") + word.text;
    return out;
}

bool has_content(std::string_view sentence) {
    if (addresses_machine(sentence)) return false;
    return search::terms_of(sentence).size() >= kContentTermsMin;
}

bool is_question(std::string_view sentence) {
    return sentence.ends_with('?') || sentence.ends_with("？");
}

bool is_statement(std::string_view sentence) {
    return !is_question(sentence) && has_content(sentence);
}

// Equal for texts that differ in case, order, endings and punctuation only.
std::string text_subject(const std::string& speaker, std::string_view text) {
    const auto terms = search::terms_of(text);
    std::string joined = speaker;
    for (const auto& term : std::set<std::string>(terms.begin(), terms.end())) joined += ' ' + term;
    return "text:" + sha256_hex(joined).substr(0, 32);
}

// "my favorite colour is", "my dog is called": what stands between "my" and the verb.
std::string possession(const std::string& lower) {
    if (!holds(lower, "my ")) return {};
    const auto begin = lower.find("my ") + 3;
    for (const std::string_view verb : {" is ", " are ", " was "}) {
        const auto end = lower.find(verb, begin);
        if (end == std::string::npos) continue;
        const auto words = std::string_view(lower).substr(begin, end - begin);
        if (std::ranges::count(words, ' ') > 2 || words.find(',') != words.npos) return {};
        std::string out;
        for (const auto& term : search::terms_of(words)) out += (out.empty() ? "" : " ") + term;
        return out;
    }
    return {};
}

std::string fact_subject(const std::string& speaker, const std::string& lower) {
    for (const auto& attribute : kAttributes)
        if (holds(lower, attribute.cue))
            return "fact:" + to_lower(speaker) + "|" + std::string(attribute.name);
    const auto owned = possession(lower);
    return owned.empty() ? std::string() : "fact:" + to_lower(speaker) + "|" + owned;
}

std::string preference_subject(const std::string& speaker, std::string_view sentence) {
    const auto owned = possession(plain_lower(sentence));
    if (!owned.empty()) return "preference:" + to_lower(speaker) + "|" + owned;
    std::set<std::string> about;
    for (const auto& term : search::terms_of(sentence))
        if (std::ranges::find(kCueTerms, term) == kCueTerms.end()) about.insert(term);
    std::string out = to_lower(speaker);
    for (const auto& term : about) out += ' ' + term;
    return "preference:" + sha256_hex(out).substr(0, 32);
}

std::string quote(const Message& message, std::string_view text, WallTime when) {
    auto out = message.speaker + ": " + resolve_days(text, when);
    if (out.size() <= kStatementBytesMax) return out;
    auto end = kStatementBytesMax;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;
    out.resize(end);
    return out;
}

// A name, as in transcripts: "Anna Maria: ...".
std::size_t name_length(std::string_view text) {
    const auto colon = text.find(": ");
    if (colon == std::string_view::npos || colon == 0 || colon > 40) return 0;
    const auto name = text.substr(0, colon);
    if (std::islower(static_cast<unsigned char>(name.front())) != 0) return 0;
    if (std::ranges::count(name, ' ') > 2) return 0;
    const auto fits = [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x80 || std::isalnum(byte) != 0 || c == ' ' || c == '.' || c == '-';
    };
    if (std::ranges::find(kRoles, bare(name)) != kRoles.end()) return 0;
    return std::ranges::all_of(name, fits) ? colon : 0;
}

std::string text_at(const json::value& value, std::string_view pointer) {
    boost::system::error_code failed;
    const auto* found =
        value.find_pointer(json::string_view(pointer.data(), pointer.size()), failed);
    return found != nullptr && found->is_string() ? json::value_to<std::string>(*found) : "";
}

// "order.id: 7; order.colour: blue": what a document says, as text.
void describe(const json::value& value, const std::string& path, std::string& out) {
    if (out.size() > kStatementBytesMax) return;
    if (const auto* object = value.if_object()) {
        for (const auto& [key, member] : *object)
            describe(member, path.empty() ? std::string(key) : path + "." + std::string(key), out);
        return;
    }
    if (const auto* list = value.if_array()) {
        for (const auto& item : *list) describe(item, path, out);
        return;
    }
    if (value.is_null()) return;
    const auto text =
        value.is_string() ? json::value_to<std::string>(value) : json::serialize(value);
    out += (out.empty() ? "" : "; ") + (path.empty() ? text : path + ": " + text);
}

Message message_from(const json::value& item) {
    Message out;
    if (const auto* document = item.as_object().if_contains("json")) {
        out.speaker = "Data";
        out.is_document = true;
        if (const auto* content = document->as_object().if_contains("content"))
            describe(*content, "", out.text);
        return out;
    }
    const auto role = text_at(item, "/conversational/role");
    out.text = text_at(item, "/conversational/content/text");
    out.is_person = role == "USER" || role == "OTHER";
    out.speaker = role == "ASSISTANT" ? "Assistant" : role == "TOOL" ? "Tool" : "User";
    if (const auto length = name_length(out.text); length > 0 && role != "TOOL") {
        out.speaker = out.text.substr(0, length);
        out.text.erase(0, length + 2);
        out.is_person = true;
    }
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

struct Sentence {
    const Message* message = nullptr;
    std::string text;
    double weight = 0;
};

}  // namespace

bool addresses_machine(std::string_view text) {
    const auto words = bare(text);
    const auto hits = [&](std::string_view cue) { return holds(words, cue); };
    return std::ranges::any_of(kAddressedToMachine, hits) ||
           (std::ranges::any_of(kDisobey, hits) && std::ranges::any_of(kOrders, hits));
}

std::vector<Message> messages_of(const json::array& payload) {
    std::vector<Message> out;
    for (const auto& item : payload) {
        auto message = message_from(item);
        // A record's text cannot hold it (PostgreSQL's TEXT); an event's payload keeps it.
        std::ranges::replace(message.speaker, '\0', ' ');
        std::ranges::replace(message.text, '\0', ' ');
        if (!message.text.empty()) out.push_back(std::move(message));
    }
    return out;
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
// is stated beside them; what a person has one of is a statement of its own, so that the next such
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
        for (const auto& sentence : sentences_of(message.text)) {
            if (!has_content(sentence)) continue;
            const auto subject = is_question(sentence)
                                     ? std::string()
                                     : fact_subject(message.speaker, plain_lower(sentence));
            if (subject.empty()) {
                rest += (rest.empty() ? "" : " ") + sentence;
                states = states || !is_question(sentence);
            } else {
                out.add({quote(message, sentence, when), subject});
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
        for (const auto& sentence : sentences_of(message.text)) {
            if (out.is_full()) break;
            const auto lower = plain_lower(sentence);
            const auto hits = [&](std::string_view cue) { return holds(lower, cue); };
            if (!std::ranges::any_of(kPreferenceCues, hits) || !is_statement(sentence)) continue;
            out.add(
                {quote(message, sentence, when), preference_subject(message.speaker, sentence)});
        }
    }
    return out.take();
}

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
