#include "wire/openai_messages.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>
#include <set>

#include "base/encoding.h"
#include "wire/json_text.h"

namespace ac::wire {
namespace {

namespace json = boost::json;
using models::ContentBlock;
using models::Role;

struct DataUrl {
    std::string media;
    std::string bytes;
};

Result<DataUrl> data_url_in(const LooseObject& owner, std::string_view member) {
    AC_TRY(const std::string url, owner.text(member));
    const auto comma = url.find(',');
    const std::string_view head = std::string_view(url).substr(0, comma);
    if (!head.starts_with("data:") || comma == url.npos)
        return owner.bad(member, "only data: URLs are supported by agentcored");
    if (!head.ends_with(";base64")) return owner.bad(member, "must be a base64 data: URL");
    auto bytes = from_base64(std::string_view(url).substr(comma + 1));
    if (!bytes || bytes->empty()) return owner.bad(member, "must be a base64 data: URL");
    const std::string_view media = head.substr(5, head.find(';') - 5);
    return DataUrl{.media = std::string(media), .bytes = *std::move(bytes)};
}

Result<models::ImageBlock> image_from(const LooseObject& part) {
    AC_TRY(const auto image, part.need_object("image_url"));
    AC_TRY(auto data, data_url_in(image, "url"));
    std::string format = data.media.substr(data.media.find('/') + 1);
    if (format == "jpg") format = "jpeg";
    if (format != "png" && format != "jpeg" && format != "gif" && format != "webp")
        return image.bad("url", fmt::format("images of type {} are not supported", data.media));
    return models::ImageBlock{.format = std::move(format), .bytes = std::move(data.bytes)};
}

Result<models::DocumentBlock> file_from(const LooseObject& part) {
    AC_TRY(const auto file, part.need_object("file"));
    AC_TRY(auto data, data_url_in(file, "file_data"));
    AC_TRY(std::string name, file.text_or("filename", "document"));
    std::string format = data.media == "application/pdf" ? "pdf" : "txt";
    return models::DocumentBlock{
        .format = std::move(format), .name = std::move(name), .bytes = std::move(data.bytes)};
}

Result<> add_part(const LooseObject& part, std::vector<ContentBlock>& content) {
    AC_TRY(const std::string type, part.text("type"));
    if (type == "text" || type == "refusal") {
        AC_TRY(std::string text, part.text(type));
        if (!text.empty()) content.emplace_back(models::TextBlock{std::move(text)});
    } else if (type == "image_url") {
        AC_TRY(auto image, image_from(part));
        content.emplace_back(std::move(image));
    } else if (type == "file") {
        AC_TRY(auto file, file_from(part));
        content.emplace_back(std::move(file));
    } else {
        return part.bad("type",
                        fmt::format("parts of type {} are not supported by agentcored", type));
    }
    return {};
}

// A text, or a list of parts; nothing when absent.
Result<std::vector<ContentBlock>> content_of(const LooseObject& message) {
    std::vector<ContentBlock> content;
    const auto* value = message.find("content");
    if (value == nullptr) return content;
    if (value->is_string()) {
        AC_TRY(std::string text, message.text("content"));
        if (!text.empty()) content.emplace_back(models::TextBlock{std::move(text)});
        return content;
    }
    AC_TRY(const auto* parts, message.list("content"));
    for (std::size_t i = 0; i < parts->size(); ++i) {
        AC_TRY(const auto part,
               LooseObject::from((*parts)[i], fmt::format("{}.{}", message.path_of("content"), i)));
        AC_CHECK(add_part(part, content));
    }
    return content;
}

std::string text_of(const std::vector<ContentBlock>& content) {
    std::string text;
    for (const auto& block : content)
        if (const auto* part = std::get_if<models::TextBlock>(&block)) text += part->text;
    return text;
}

Result<models::ToolUseBlock> call_from(const LooseObject& call) {
    models::ToolUseBlock made;
    AC_TRY(made.id, call.text("id"));
    AC_CHECK(call.choice("type", {"function"}, "function"));
    AC_TRY(const auto function, call.need_object("function"));
    AC_TRY(made.name, function.text("name"));
    AC_TRY(const std::string arguments, function.text_or("arguments", "{}"));
    made.input = json::object();
    if (arguments.empty()) return made;
    auto input = parse_json(arguments);
    if (!input) return function.bad("arguments", "must be a JSON text");
    made.input = *std::move(input);
    return made;
}

// Reads message after message; a call of a tool that has no result yet is open.
class Conversation final {
  public:
    explicit Conversation(models::ChatRequest& request) : request_(request) {}

    Result<> add(const LooseObject& message) {
        AC_TRY(const std::string role,
               message.choice("role", {"system", "developer", "user", "assistant", "tool"}));
        AC_TRY(auto content, content_of(message));
        if (role == "tool") return add_result(message, std::move(content));
        if (role == "system" || role == "developer") {
            if (!content.empty()) request_.system.emplace_back(models::TextBlock{text_of(content)});
            return {};
        }
        if (!open_.empty())
            return message.bad("role", fmt::format("an assistant message with 'tool_calls' must be "
                                                   "followed by tool messages responding to each "
                                                   "'tool_call_id': {}",
                                                   fmt::join(open_, ", ")));
        if (role == "assistant") return add_assistant(message, std::move(content));
        if (message.find("content") == nullptr) return message.bad("content", "field required");
        if (content.empty()) content.emplace_back(models::TextBlock{});
        append(Role::user, std::move(content));
        return {};
    }

    Result<> end(const LooseObject& body) {
        if (!open_.empty())
            return body.bad("messages",
                            fmt::format("no tool message responds to: {}", fmt::join(open_, ", ")));
        if (!request_.messages.empty()) return {};
        if (request_.system.empty()) return body.bad("messages", "must not be empty");
        // Instructions alone: they are what is asked.
        models::Message message;
        for (auto& block : request_.system)
            message.content.emplace_back(std::get<models::TextBlock>(std::move(block)));
        request_.system.clear();
        request_.messages.push_back(std::move(message));
        return {};
    }

  private:
    void append(Role role, std::vector<ContentBlock> content) {
        auto& messages = request_.messages;
        if (messages.empty() || messages.back().role != role)
            messages.push_back({.role = role, .content = {}});
        std::ranges::move(content, std::back_inserter(messages.back().content));
    }

    Result<> add_assistant(const LooseObject& message, std::vector<ContentBlock> content) {
        AC_TRY(const auto* calls, message.list("tool_calls"));
        for (std::size_t i = 0; calls != nullptr && i < calls->size(); ++i) {
            AC_TRY(const auto call,
                   LooseObject::from((*calls)[i],
                                     fmt::format("{}.{}", message.path_of("tool_calls"), i)));
            AC_TRY(auto made, call_from(call));
            if (!open_.insert(made.id).second) return call.bad("id", "is used twice");
            content.emplace_back(std::move(made));
        }
        if (!content.empty()) append(Role::assistant, std::move(content));
        return {};
    }

    Result<> add_result(const LooseObject& message, std::vector<ContentBlock> content) {
        models::ToolResultBlock result;
        AC_TRY(result.id, message.text("tool_call_id"));
        if (open_.erase(result.id) == 0)
            return message.bad("tool_call_id",
                               "messages with role 'tool' must be a response to a preceding "
                               "message with 'tool_calls'");
        for (auto& block : content) {
            if (auto* text = std::get_if<models::TextBlock>(&block))
                result.content.emplace_back(std::move(*text));
            else if (auto* image = std::get_if<models::ImageBlock>(&block))
                result.content.emplace_back(std::move(*image));
        }
        if (result.content.empty()) result.content.emplace_back(models::TextBlock{});
        std::vector<ContentBlock> turn;
        turn.emplace_back(std::move(result));
        append(Role::user, std::move(turn));
        return {};
    }

    models::ChatRequest& request_;
    std::set<std::string> open_;
};

}  // namespace

Result<> read_openai_messages(const LooseObject& body, models::ChatRequest& request) {
    AC_TRY(const auto* list, body.list("messages"));
    if (list == nullptr) return body.bad("messages", "field required");
    Conversation conversation(request);
    for (std::size_t i = 0; i < list->size(); ++i) {
        AC_TRY(const auto message, LooseObject::from((*list)[i], fmt::format("messages.{}", i)));
        AC_CHECK(conversation.add(message));
    }
    return conversation.end(body);
}

}  // namespace ac::wire
