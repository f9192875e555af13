#include "models/chat.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "models/limits.h"

namespace ac::models {
namespace {

constexpr std::pair<StopReason, std::string_view> kStopReasons[] = {
    {StopReason::end_turn, "end_turn"},
    {StopReason::tool_use, "tool_use"},
    {StopReason::max_tokens, "max_tokens"},
    {StopReason::stop_sequence, "stop_sequence"},
    {StopReason::guardrail_intervened, "guardrail_intervened"},
    {StopReason::content_filtered, "content_filtered"},
    {StopReason::malformed_model_output, "malformed_model_output"},
    {StopReason::malformed_tool_use, "malformed_tool_use"},
    {StopReason::model_context_window_exceeded, "model_context_window_exceeded"},
};

std::size_t size_of(const BlockDelta& delta) {
    if (const auto* text = std::get_if<TextDelta>(&delta.delta)) return text->text.size();
    if (const auto* input = std::get_if<ToolInputDelta>(&delta.delta)) return input->json.size();
    const auto& reasoning = std::get<ReasoningDelta>(delta.delta);
    return reasoning.text.size() + reasoning.signature.size() + reasoning.redacted.size();
}

ContentBlock block_of(BlockStart start) {
    switch (start.kind) {
        case BlockStart::Kind::text:
            return TextBlock{};
        case BlockStart::Kind::reasoning:
            return ReasoningBlock{};
        case BlockStart::Kind::tool_use:
            return ToolUseBlock{.id = std::move(start.tool_use_id),
                                .name = std::move(start.tool_name),
                                .input = json::object()};
    }
    return TextBlock{};
}

// Sizes in bytes of what a model reads, roughly.
struct Weigher {
    std::size_t operator()(const TextBlock& block) const { return block.text.size(); }
    std::size_t operator()(const JsonBlock& block) const {
        return json::serialize(block.value).size();
    }
    // A picture costs 1 000 to 1 600 tokens whatever its file's size.
    std::size_t operator()(const ImageBlock&) const { return 5000; }
    std::size_t operator()(const DocumentBlock& block) const {
        return block.bytes.size() + block.text.size() + block.context.size();
    }
    std::size_t operator()(const ToolUseBlock& block) const {
        return block.name.size() + json::serialize(block.input).size();
    }
    std::size_t operator()(const ToolResultBlock& block) const {
        std::size_t size = 0;
        for (const auto& content : block.content) size += std::visit(*this, content);
        return size;
    }
    std::size_t operator()(const ReasoningBlock& block) const { return block.text.size(); }
    std::size_t operator()(const CachePointBlock&) const { return 0; }
};

}  // namespace

std::string_view to_string(StopReason reason) {
    for (const auto& [value, text] : kStopReasons)
        if (value == reason) return text;
    return "end_turn";
}

std::optional<StopReason> stop_reason_from(std::string_view text) {
    for (const auto& [value, name] : kStopReasons)
        if (name == text) return value;
    return std::nullopt;
}

Error model_not_ready(std::string message) {
    return {.code = ErrorCode::busy,
            .message = std::move(message),
            .reason = std::string(kModelNotReady)};
}

Error model_failed(std::string message) {
    return {.code = ErrorCode::guest_failed,
            .message = std::move(message),
            .reason = std::string(kModelFailed)};
}

Result<> AnswerCollector::add(ChatEvent event) {
    if (complete_) return fail(model_failed("the model went on after the end of its answer"));
    if (auto* start = std::get_if<BlockStart>(&event)) {
        if (in_block_ || stopped_) return fail(model_failed("the model's blocks overlap"));
        in_block_ = true;
        tool_input_.clear();
        answer_.message.content.push_back(block_of(std::move(*start)));
    } else if (auto* delta = std::get_if<BlockDelta>(&event)) {
        return add_delta(std::move(*delta));
    } else if (std::holds_alternative<BlockStop>(event)) {
        return end_block();
    } else if (auto* stop = std::get_if<MessageStop>(&event)) {
        stopped_ = true;
        answer_.stop_reason = stop->reason;
        answer_.stop_sequence = std::move(stop->stop_sequence);
        answer_.additional_fields = std::move(stop->additional_fields);
    } else if (const auto* metadata = std::get_if<Metadata>(&event)) {
        complete_ = true;
        answer_.usage = metadata->usage;
        answer_.latency = metadata->latency;
    } else {
        answer_.message.role = std::get<MessageStart>(event).role;
    }
    return {};
}

Result<> AnswerCollector::add_delta(BlockDelta delta) {
    if (!in_block_) return fail(model_failed("the model wrote outside a block"));
    bytes_ += size_of(delta);
    if (bytes_ > kAnswerBytesMax) return fail(model_failed("the model's answer is too large"));
    ContentBlock& block = answer_.message.content.back();
    if (auto* text = std::get_if<TextDelta>(&delta.delta)) {
        auto* into = std::get_if<TextBlock>(&block);
        if (!into) return fail(model_failed("the model wrote text into another block"));
        into->text += text->text;
    } else if (auto* input = std::get_if<ToolInputDelta>(&delta.delta)) {
        if (!std::holds_alternative<ToolUseBlock>(block))
            return fail(model_failed("the model wrote a tool's input into another block"));
        tool_input_ += input->json;
    } else {
        const auto& reasoning = std::get<ReasoningDelta>(delta.delta);
        auto* into = std::get_if<ReasoningBlock>(&block);
        if (!into) return fail(model_failed("the model wrote reasoning into another block"));
        into->text += reasoning.text;
        into->signature += reasoning.signature;
        into->redacted += reasoning.redacted;
    }
    return {};
}

Result<> AnswerCollector::end_block() {
    if (!in_block_) return fail(model_failed("the model ended a block that it had not begun"));
    in_block_ = false;
    auto* tool = std::get_if<ToolUseBlock>(&answer_.message.content.back());
    if (!tool || tool_input_.empty()) return {};
    boost::system::error_code error;
    const json::parse_options options{.max_depth = kJsonDepthMax};
    tool->input = json::parse(tool_input_, error, {}, options);
    if (error) return fail(model_failed("the input that the model gave a tool is not JSON"));
    return {};
}

Task<ChatAnswer> collect(ChatStream& stream) {
    AnswerCollector collector;
    while (true) {
        AC_CO_TRY(auto event, co_await stream.next());
        if (!event) break;
        AC_CO_CHECK(collector.add(*std::move(event)));
    }
    if (!collector.is_complete()) co_return fail(model_failed("the model's answer broke off"));
    co_return collector.take();
}

std::int64_t estimate_tokens(const ChatRequest& request) {
    constexpr std::size_t kBytesPerToken = 4;
    std::size_t bytes = kBytesPerToken;
    const Weigher weigh;
    for (const auto& block : request.system) bytes += std::visit(weigh, block);
    for (const Message& message : request.messages)
        for (const auto& block : message.content) bytes += std::visit(weigh, block);
    for (const ToolSpec& tool : request.tools)
        bytes +=
            tool.name.size() + tool.description.size() + json::serialize(tool.input_schema).size();
    return static_cast<std::int64_t>((bytes + kBytesPerToken - 1) / kBytesPerToken);
}

}  // namespace ac::models
