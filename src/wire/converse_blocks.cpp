#include "wire/converse_blocks.h"

#include <fmt/format.h>

#include <algorithm>

#include "wire/converse_input.h"
#include "wire/json_members.h"

namespace ac::wire {
namespace {

namespace json = boost::json;
using models::ContentBlock;

std::unexpected<Error> not_served(const std::string& path, std::string_view what) {
    return bad_member(path, fmt::format("{} at {} is not supported by agentcored", what, path));
}

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n\f\v") == text.npos;
}

Result<models::TextBlock> text_from(std::string text, const std::string& path) {
    if (is_blank(text))
        return bad_member(path + ".text",
                          fmt::format("The text field in the ContentBlock object at {} is blank. "
                                      "Add text to the text field, and try again.",
                                      path));
    return models::TextBlock{std::move(text)};
}

Result<models::ImageBlock> image_from(const json::object& block, const std::string& path) {
    const auto& source = block.at("source").as_object();
    if (!source.contains("bytes"))
        return not_served(path + ".source.s3Location", "An image in Amazon S3");
    return models::ImageBlock{.format = string_in(block, "format"),
                              .bytes = string_in(source, "bytes")};
}

// AWS's rule for names of documents, which reach the model's prompt.
bool is_document_name(std::string_view name) {
    bool after_space = false;
    for (const char c : name) {
        const bool space = c == ' ' || c == '\t' || c == '\n';
        const bool other = static_cast<unsigned char>(c) >= 0x80 || std::isalnum(c) ||
                           std::string_view("-()[]").contains(c);
        if ((!space && !other) || (space && after_space)) return false;
        after_space = space;
    }
    return true;
}

Result<models::DocumentBlock> document_from(const json::object& block, const std::string& path) {
    models::DocumentBlock document{.format = string_in(block, "format"),
                                   .name = string_in(block, "name"),
                                   .bytes = {},
                                   .text = {},
                                   .context = string_in(block, "context")};
    if (!is_document_name(document.name))
        return bad_member(path + ".name",
                          fmt::format("The document file name at {} can only contain alphanumeric "
                                      "characters, whitespace characters, hyphens, parentheses, "
                                      "and square brackets, and no two whitespace characters in a "
                                      "row",
                                      path));
    const auto& source = block.at("source").as_object();
    document.bytes = string_in(source, "bytes");
    document.text = string_in(source, "text");
    if (const auto* parts = array_in(source, "content"))
        for (const json::value& part : *parts)
            document.text +=
                (document.text.empty() ? "" : "\n") + string_in(part.as_object(), "text");
    if (source.contains("s3Location"))
        return not_served(path + ".source.s3Location", "A document in Amazon S3");
    if (document.bytes.empty() && document.text.empty())
        return bad_member(path + ".source", fmt::format("The document at {} is empty", path));
    if (document.format.empty()) document.format = "txt";
    const auto* citations = object_in(block, "citations");
    document.wants_citations = citations != nullptr && flag_in(*citations, "enabled");
    return document;
}

Result<models::ToolUseBlock> tool_use_from(const json::object& block, const std::string& path) {
    const json::value& input = block.at("input");
    if (!input.is_object())
        return bad_member(path + ".input",
                          fmt::format("The format of the value at {}.input is invalid. Provide a "
                                      "json object for the field and try again.",
                                      path));
    return models::ToolUseBlock{
        .id = string_in(block, "toolUseId"), .name = string_in(block, "name"), .input = input};
}

// What was found, as the text that it is to the model.
models::TextBlock search_result_from(const json::object& block) {
    std::string text =
        fmt::format("{} ({})", string_in(block, "title"), string_in(block, "source"));
    for (const json::value& part : block.at("content").as_array())
        text += "\n" + string_in(part.as_object(), "text");
    return {std::move(text)};
}

Result<models::ToolResultContent> result_content_from(const json::object& block,
                                                      const std::string& path) {
    const auto& [name, value] = *block.begin();
    if (name == "text") return models::TextBlock{to_text(value.as_string())};
    if (name == "json") return models::JsonBlock{value};
    if (name == "image") return image_from(value.as_object(), path + ".image");
    if (name == "document") return document_from(value.as_object(), path + ".document");
    if (name == "searchResult") return search_result_from(value.as_object());
    return not_served(fmt::format("{}.{}", path, std::string_view(name)), "This block");
}

Result<models::ToolResultBlock> tool_result_from(const json::object& block,
                                                 const std::string& path) {
    models::ToolResultBlock result{.id = string_in(block, "toolUseId"),
                                   .content = {},
                                   .is_error = string_in(block, "status") == "error"};
    const auto& content = block.at("content").as_array();
    if (content.empty() && result.is_error)
        return bad_member(path + ".content",
                          fmt::format("The content field at {} cannot be empty when status value "
                                      "is error.",
                                      path));
    for (std::size_t i = 0; i < content.size(); ++i) {
        AC_TRY(auto part,
               result_content_from(content[i].as_object(), fmt::format("{}.content.{}", path, i)));
        result.content.push_back(std::move(part));
    }
    return result;
}

models::CachePointBlock cache_point_from(const json::object& block) {
    return {string_in(block, "ttl")};
}

models::ReasoningBlock reasoning_from(const json::object& block) {
    models::ReasoningBlock reasoning;
    if (const auto* text = object_in(block, "reasoningText")) {
        reasoning.text = string_in(*text, "text");
        reasoning.signature = string_in(*text, "signature");
    }
    reasoning.redacted = string_in(block, "redactedContent");
    return reasoning;
}

// Without a guardrail, what it would look at is content like any other.
Result<ContentBlock> guarded_from(const json::object& block, const std::string& path) {
    if (const auto* text = object_in(block, "text"))
        return text_from(string_in(*text, "text"), path + ".text");
    return image_from(block.at("image").as_object(), path + ".image");
}

// An answer with citations that comes back as history: its text.
Result<models::TextBlock> cited_from(const json::object& block, const std::string& path) {
    std::string text;
    if (const auto* parts = array_in(block, "content"))
        for (const json::value& part : *parts) text += string_in(part.as_object(), "text");
    return text_from(std::move(text), path);
}

}  // namespace

Result<ContentBlock> content_block_from(const json::object& block, const std::string& path) {
    const auto& [name, value] = *block.begin();
    if (name == "text") return text_from(to_text(value.as_string()), path);
    const json::object& inner = value.as_object();
    const std::string here = fmt::format("{}.{}", path, std::string_view(name));
    if (name == "image") return image_from(inner, here);
    if (name == "document") return document_from(inner, here);
    if (name == "toolUse") return tool_use_from(inner, here);
    if (name == "toolResult") return tool_result_from(inner, here);
    if (name == "guardContent") return guarded_from(inner, here);
    if (name == "cachePoint") return cache_point_from(inner);
    if (name == "reasoningContent") return reasoning_from(inner);
    if (name == "citationsContent") return cited_from(inner, here);
    if (name == "searchResult") return search_result_from(inner);
    return not_served(here, "This block");
}

Result<models::SystemBlock> system_block_from(const json::object& block, const std::string& path) {
    const auto& [name, value] = *block.begin();
    if (name == "cachePoint") return cache_point_from(value.as_object());
    if (name == "text") return text_from(to_text(value.as_string()), path);
    const auto* text = object_in(value.as_object(), "text");
    if (text == nullptr) return not_served(path + ".guardContent.image", "An image to be guarded");
    return text_from(string_in(*text, "text"), path + ".guardContent.text");
}

}  // namespace ac::wire
