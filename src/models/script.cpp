#include "models/script.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "models/glob.h"
#include "models/limits.h"

namespace ac::models {
namespace {

bool contains(std::string_view text, std::string_view part) {
    return to_lower(text).find(to_lower(part)) != std::string::npos;
}

std::string text_of(const ToolResultBlock& result) {
    std::string out;
    for (const auto& content : result.content) {
        if (const auto* text = std::get_if<TextBlock>(&content)) out += text->text;
        if (const auto* value = std::get_if<JsonBlock>(&content))
            out += json::serialize(value->value);
    }
    return out;
}

std::string last_tool_result(const ChatRequest& request) {
    std::string out;
    if (request.messages.empty()) return out;
    for (const ContentBlock& block : request.messages.back().content)
        if (const auto* result = std::get_if<ToolResultBlock>(&block)) out += text_of(*result);
    return out;
}

bool has_tool_results(const ChatRequest& request) {
    return !request.messages.empty() &&
           std::ranges::any_of(request.messages.back().content, [](const ContentBlock& block) {
               return std::holds_alternative<ToolResultBlock>(block);
           });
}

std::string system_text(const ChatRequest& request) {
    std::string out;
    for (const SystemBlock& block : request.system)
        if (const auto* text = std::get_if<TextBlock>(&block)) out += text->text;
    return out;
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::size_t chunk_end(std::string_view text, std::size_t from, std::size_t chunk_bytes) {
    std::size_t end = from;
    if (chunk_bytes > 0) {
        end = std::min(text.size(), from + chunk_bytes);
        while (end < text.size() && is_continuation(text[end])) ++end;
        return end;
    }
    end = text.find(' ', from);
    return end == std::string_view::npos ? text.size() : end + 1;
}

}  // namespace

std::string last_user_text(const ChatRequest& request) {
    for (auto message = request.messages.rbegin(); message != request.messages.rend(); ++message) {
        if (message->role != Role::user) continue;
        std::string out;
        for (const ContentBlock& block : message->content)
            if (const auto* text = std::get_if<TextBlock>(&block)) out += text->text;
        if (!out.empty()) return out;
    }
    return {};
}

int turn_of(const ChatRequest& request) {
    return 1 +
           static_cast<int>(std::ranges::count(request.messages, Role::assistant, &Message::role));
}

bool matches(const ScriptCondition& condition, const ChatRequest& request) {
    const std::string prompt = last_user_text(request);
    for (const std::string& part : condition.prompt)
        if (!contains(prompt, part)) return false;
    // std::regex recurses once a character.
    constexpr std::size_t kPatternBytesMax = 16 * 1024;
    if (condition.pattern &&
        !std::regex_search(prompt.substr(0, kPatternBytesMax), *condition.pattern))
        return false;
    if (!condition.system.empty() && !contains(system_text(request), condition.system))
        return false;
    if (!condition.model.empty() && !matches_glob(condition.model, request.model)) return false;
    if (condition.turn && *condition.turn != turn_of(request)) return false;
    if (condition.tool_results && *condition.tool_results != has_tool_results(request))
        return false;
    if (condition.output_format && *condition.output_format != request.output_format.has_value())
        return false;
    return condition.tool.empty() || std::ranges::any_of(request.tools, [&](const ToolSpec& tool) {
               return tool.name == condition.tool;
           });
}

std::string expand(std::string_view text, const ChatRequest& request) {
    std::string out;
    while (true) {
        const auto open = text.find("{{");
        const auto close = open == std::string_view::npos ? open : text.find("}}", open);
        if (close == std::string_view::npos) return out += text;
        out += text.substr(0, open);
        const std::string_view name = trim(text.substr(open + 2, close - open - 2));
        if (name == "prompt")
            out += last_user_text(request);
        else if (name == "tool_result")
            out += last_tool_result(request);
        else if (name == "model")
            out += request.model;
        else if (name == "system")
            out += system_text(request);
        else if (name == "turn")
            out += std::to_string(turn_of(request));
        else
            out += text.substr(open, close + 2 - open);
        text.remove_prefix(close + 2);
    }
}

std::vector<std::string_view> chunks_of(std::string_view text, std::size_t chunk_bytes) {
    std::vector<std::string_view> out;
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t end = chunk_end(text, from, chunk_bytes);
        out.push_back(text.substr(from, end - from));
        from = end;
    }
    return out;
}

}  // namespace ac::models
