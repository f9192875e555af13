// From an event's payload to messages: who speaks, and what was said.
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cctype>

#include "memory/extraction.h"
#include "memory/speech.h"

namespace ac::memory {

namespace {

constexpr std::size_t kDocumentBytesMax = 4000;  // told as text

// Who talks in a prompt. Nobody is called that, and a record must not look like one.
constexpr std::array<std::string_view, 10> kRoles = {
    "system", "assistant", "developer", "user", "human", "tool", "function", "model", "bot", "ai"};

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
    if (out.size() > kDocumentBytesMax) return;
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

// The texts of a message's content, as the Converse API and Strands have it:
// [{"text": "..."}, {"toolUse": {...}}].
std::string content_text(const json::value& content) {
    if (content.is_string()) return json::value_to<std::string>(content);
    std::string out;
    if (!content.is_array()) return out;
    for (const auto& part : content.get_array()) {
        const auto text = text_at(part, "/text");
        if (!text.empty()) out += (out.empty() ? "" : "\n") + text;
    }
    return out;
}

// A session manager stores its messages as JSON; what was said is within.
std::optional<std::string> from_json(std::string_view text) {
    if (!text.starts_with("{\"") && !text.starts_with("[{\"")) return std::nullopt;
    boost::system::error_code failed;
    const auto value = json::parse(text, failed);
    if (failed) return std::nullopt;
    for (const std::string_view at : {"/message/content", "/content", ""}) {
        const auto* content = value.find_pointer(at, failed);
        if (content == nullptr || (at.empty() && !value.is_array())) continue;
        const bool is_content = content->is_string() || content->is_array();
        const bool has_role = !text_at(value, "/message/role").empty() ||
                              !text_at(value, "/role").empty() || value.is_array();
        if (is_content && has_role) return content_text(*content);
    }
    return std::nullopt;
}

// A Python string literal that begins at `at` with its quote; `at` moves past it.
std::string python_string(std::string_view text, std::size_t& at) {
    const char quote = text[at++];
    std::string out;
    for (; at < text.size() && text[at] != quote; ++at) {
        if (text[at] != '\\' || at + 1 >= text.size()) {
            out += text[at];
            continue;
        }
        const char escaped = text[++at];
        if (escaped == 'n' || escaped == 'r' || escaped == 't')
            out += escaped == 't' ? '\t' : '\n';
        else
            out += escaped;
    }
    if (at < text.size()) ++at;
    return out;
}

// str() of such a list, which hooks store: "[{'text': 'I like tea'}]".
std::optional<std::string> from_python(std::string_view text) {
    if (!text.starts_with("[{'") || !text.ends_with("}]")) return std::nullopt;
    std::string out;
    std::string key;
    int depth = 0;
    bool is_value = false;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '\'' || c == '"') {
            auto literal = python_string(text, at);
            if (depth == 2 && is_value && key == "text") out += (out.empty() ? "" : "\n") + literal;
            if (depth == 2 && !is_value) key = std::move(literal);
            continue;
        }
        if (c == '[' || c == '{') ++depth;
        if (c == ']' || c == '}') --depth;
        if (depth == 2 && c == ':') is_value = true;
        if (depth <= 2 && (c == ',' || c == '{')) is_value = false;
        ++at;
    }
    return out;
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
    if (auto said = from_json(out.text)) out.text = *std::move(said);
    if (auto said = from_python(out.text)) out.text = *std::move(said);
    out.is_person = role == "USER" || role == "OTHER";
    out.speaker = role == "ASSISTANT" ? "Assistant" : role == "TOOL" ? "Tool" : "User";
    if (const auto length = name_length(out.text); length > 0 && role != "TOOL") {
        out.speaker = out.text.substr(0, length);
        out.text.erase(0, length + 2);
        out.is_person = true;
    }
    return out;
}

}  // namespace

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

}  // namespace ac::memory
