#include "wire/anthropic_blocks.h"

#include <fmt/format.h>

namespace ac::wire {
namespace {

namespace json = boost::json;

Result<models::ImageBlock> image_from(const LooseObject& block) {
    AC_TRY(const auto source, block.need_object("source"));
    AC_TRY(const std::string type, source.choice("type", {"base64", "url", "file"}));
    if (type != "base64") return source.bad("type", "only base64 is supported by agentcored");
    AC_TRY(const std::string media,
           source.choice("media_type", {"image/png", "image/jpeg", "image/gif", "image/webp"}));
    AC_TRY(std::string bytes, source.bytes("data"));
    return models::ImageBlock{.format = media.substr(media.find('/') + 1),
                              .bytes = std::move(bytes)};
}

Result<std::string> text_of_blocks(const LooseObject& owner, std::string_view member) {
    const auto* value = owner.find(member);
    if (value == nullptr || value->is_string()) return owner.text(member);
    AC_TRY(const auto content, anthropic_content(owner, member));
    std::string text;
    for (const auto& block : content)
        if (const auto* part = std::get_if<models::TextBlock>(&block))
            text += (text.empty() ? "" : "\n") + part->text;
    return text;
}

Result<models::DocumentBlock> document_from(const LooseObject& block) {
    models::DocumentBlock document;
    AC_TRY(document.name, block.text_or("title", "document"));
    AC_TRY(document.context, block.text_or("context", ""));
    AC_TRY(const auto citations, block.object("citations"));
    if (citations) {
        AC_TRY(document.wants_citations, citations->flag("enabled", false));
    }
    AC_TRY(const auto source, block.need_object("source"));
    AC_TRY(const std::string type,
           source.choice("type", {"base64", "text", "content", "url", "file"}));
    document.format = "txt";
    if (type == "base64") {
        AC_TRY(document.bytes, source.bytes("data"));
        document.format = "pdf";
    } else if (type == "text") {
        AC_TRY(document.text, source.text("data"));
    } else if (type == "content") {
        AC_TRY(document.text, text_of_blocks(source, "content"));
    } else {
        return source.bad("type", "only base64, text and content are supported by agentcored");
    }
    return document;
}

Result<models::ToolUseBlock> tool_use_from(const LooseObject& block) {
    AC_TRY(std::string id, block.text("id"));
    AC_TRY(std::string name, block.text("name"));
    AC_TRY(const auto input, block.need_object("input"));
    return models::ToolUseBlock{
        .id = std::move(id), .name = std::move(name), .input = input.json()};
}

Result<models::ToolResultBlock> tool_result_from(const LooseObject& block) {
    models::ToolResultBlock result;
    AC_TRY(result.id, block.text("tool_use_id"));
    AC_TRY(result.is_error, block.flag("is_error", false));
    if (block.find("content") == nullptr) return result;
    AC_TRY(auto content, anthropic_content(block, "content"));
    for (auto& part : content) {
        if (auto* text = std::get_if<models::TextBlock>(&part)) {
            result.content.emplace_back(std::move(*text));
        } else if (auto* image = std::get_if<models::ImageBlock>(&part)) {
            result.content.emplace_back(std::move(*image));
        } else if (auto* document = std::get_if<models::DocumentBlock>(&part)) {
            result.content.emplace_back(std::move(*document));
        } else if (!std::holds_alternative<models::CachePointBlock>(part)) {
            return block.bad("content", "a tool's result has text, images and documents only");
        }
    }
    return result;
}

Result<models::ReasoningBlock> thinking_from(const LooseObject& block) {
    models::ReasoningBlock reasoning;
    AC_TRY(reasoning.text, block.text("thinking"));
    AC_TRY(reasoning.signature, block.text_or("signature", ""));
    return reasoning;
}

Result<models::TextBlock> search_result_from(const LooseObject& block) {
    AC_TRY(const std::string title, block.text_or("title", ""));
    AC_TRY(const std::string source, block.text_or("source", ""));
    AC_TRY(const std::string text, text_of_blocks(block, "content"));
    return models::TextBlock{fmt::format("{} ({})\n{}", title, source, text)};
}

Result<models::TextBlock> text_from(const LooseObject& block) {
    AC_TRY(std::string text, block.text("text"));
    if (text.empty()) return block.bad("text", "text content blocks must be non-empty");
    return models::TextBlock{std::move(text)};
}

Result<models::ContentBlock> block_from(const LooseObject& block, const std::string& type) {
    if (type == "text") return text_from(block);
    if (type == "image") return image_from(block);
    if (type == "document") return document_from(block);
    if (type == "tool_use") return tool_use_from(block);
    if (type == "tool_result") return tool_result_from(block);
    if (type == "thinking") return thinking_from(block);
    if (type == "search_result") return search_result_from(block);
    if (type == "redacted_thinking") {
        AC_TRY(std::string data, block.text("data"));
        return models::ReasoningBlock{.text = {}, .signature = {}, .redacted = std::move(data)};
    }
    return block.bad("type",
                     fmt::format("blocks of type {} are not supported by agentcored", type));
}

}  // namespace

Result<> add_anthropic_block(const LooseObject& block, std::vector<models::ContentBlock>& content) {
    AC_TRY(const std::string type, block.text("type"));
    AC_TRY(auto made, block_from(block, type));
    content.push_back(std::move(made));
    AC_TRY(const auto cache, block.object("cache_control"));
    if (cache) {
        AC_TRY(std::string ttl, cache->text_or("ttl", ""));
        content.emplace_back(models::CachePointBlock{std::move(ttl)});
    }
    return {};
}

Result<std::vector<models::ContentBlock>> anthropic_content(const LooseObject& owner,
                                                            std::string_view member) {
    std::vector<models::ContentBlock> content;
    const auto* value = owner.find(member);
    if (value != nullptr && value->is_string()) {
        AC_TRY(std::string text, owner.text(member));
        if (text.empty()) return owner.bad(member, "must not be empty");
        content.emplace_back(models::TextBlock{std::move(text)});
        return content;
    }
    AC_TRY(const auto* list, owner.list(member));
    if (list == nullptr) return owner.bad(member, "field required");
    for (std::size_t i = 0; i < list->size(); ++i) {
        AC_TRY(const auto block,
               LooseObject::from((*list)[i], fmt::format("{}.{}", owner.path_of(member), i)));
        AC_CHECK(add_anthropic_block(block, content));
    }
    return content;
}

}  // namespace ac::wire
