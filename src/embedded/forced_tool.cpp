#include "embedded/forced_tool.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <deque>

#include "models/tool_id.h"

namespace ac::embedded {
namespace {

namespace json = boost::json;
using models::ChatEvent;
using models::ChatRequest;
using models::ToolSpec;

json::value schema_of(const ToolSpec& tool) {
    if (tool.input_schema.is_object() && !tool.input_schema.as_object().empty())
        return tool.input_schema;
    return json::object{{"type", "object"}};
}

// One object for each tool, told apart by its name.
json::value schema_of_any(const std::vector<ToolSpec>& tools) {
    json::array choices;
    for (const ToolSpec& tool : tools) {
        json::object properties{{"name", json::object{{"const", tool.name}}},
                                {"input", schema_of(tool)}};
        choices.push_back(json::object{{"type", "object"},
                                       {"properties", std::move(properties)},
                                       {"required", json::array{"name", "input"}},
                                       {"additionalProperties", false}});
    }
    return json::object{{"anyOf", std::move(choices)}};
}

std::string instructions(const std::vector<ToolSpec>& tools) {
    std::string out = tools.size() == 1
                          ? "Answer with the JSON arguments of this function, from what was said:"
                          : "Choose one of these functions and answer with JSON, its name and its "
                            "input, from what was said:";
    for (const ToolSpec& tool : tools)
        out += "\n" + tool.name + ": " + tool.description + "\n" + json::serialize(schema_of(tool));
    return out;
}

std::string call_id(const ChatRequest& request) {
    int calls = 0;
    for (const models::Message& message : request.messages) {
        calls += static_cast<int>(
            std::ranges::count_if(message.content, [](const models::ContentBlock& block) {
                return std::holds_alternative<models::ToolUseBlock>(block);
            }));
    }
    return models::tool_id_or_new({}, calls);
}

std::vector<models::ContentBlock> as_text(const std::vector<models::ContentBlock>& content) {
    std::vector<models::ContentBlock> out;
    for (const models::ContentBlock& block : content) {
        if (const auto* use = std::get_if<models::ToolUseBlock>(&block)) {
            out.emplace_back(models::TextBlock{"I looked that up with " + use->name + "."});
        } else if (const auto* result = std::get_if<models::ToolResultBlock>(&block)) {
            for (const auto& part : result->content)
                if (const auto* text = std::get_if<models::TextBlock>(&part))
                    out.emplace_back(*text);
        } else {
            out.push_back(block);
        }
    }
    if (out.empty()) out.emplace_back(models::TextBlock{"(nothing)"});
    return out;
}

struct Call {
    std::string name;
    std::string input;
};

std::optional<Call> call_in(const std::string& text, const ForcedTool& tool) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    if (error || !value.is_object()) return std::nullopt;
    if (!tool.name.empty()) return Call{tool.name, text};
    const json::object& object = value.as_object();
    const auto* name = object.if_contains("name");
    const auto* input = object.if_contains("input");
    if (name == nullptr || input == nullptr || !name->is_string()) return std::nullopt;
    return Call{std::string(name->as_string()), json::serialize(*input)};
}

// Holds the text back until the answer stops; what else comes passes.
class ToolCallStream final : public models::ChatStream {
  public:
    ToolCallStream(std::unique_ptr<models::ChatStream> inner, ForcedTool tool)
        : inner_(std::move(inner)), tool_(std::move(tool)) {}

    Task<std::optional<ChatEvent>> next() override {
        while (events_.empty()) {
            auto came = co_await inner_->next();
            if (!came) co_return fail(std::move(came).error());
            if (!*came) co_return std::nullopt;
            take(std::move(**came));
        }
        std::optional<ChatEvent> event(std::move(events_.front()));
        events_.pop_front();
        co_return event;
    }
    bool is_ready() const override { return !events_.empty(); }

  private:
    void take(ChatEvent event) {
        if (const auto* delta = std::get_if<models::BlockDelta>(&event)) {
            if (const auto* text = std::get_if<models::TextDelta>(&delta->delta))
                text_ += text->text;
        } else if (auto* stop = std::get_if<models::MessageStop>(&event)) {
            conclude(std::move(*stop));
        } else if (!std::holds_alternative<models::BlockStart>(event) &&
                   !std::holds_alternative<models::BlockStop>(event)) {
            events_.push_back(std::move(event));
        }
    }

    void conclude(models::MessageStop stop) {
        if (const auto call = call_in(text_, tool_)) {
            stop.reason = models::StopReason::tool_use;
            events_.emplace_back(models::BlockStart{.kind = models::BlockStart::Kind::tool_use,
                                                    .tool_use_id = tool_.id,
                                                    .tool_name = call->name});
            events_.emplace_back(models::BlockDelta{.delta = models::ToolInputDelta{call->input}});
        } else {
            events_.emplace_back(models::BlockStart{});
            events_.emplace_back(models::BlockDelta{.delta = models::TextDelta{text_}});
        }
        events_.emplace_back(models::BlockStop{});
        events_.emplace_back(std::move(stop));
    }

    const std::unique_ptr<models::ChatStream> inner_;
    const ForcedTool tool_;
    std::string text_;
    std::deque<ChatEvent> events_;
};

}  // namespace

std::optional<ForcedTool> force_tool(ChatRequest& request) {
    using Kind = models::ToolChoice::Kind;
    if (request.tools.empty() || !request.tool_choice) return std::nullopt;
    const models::ToolChoice choice = *request.tool_choice;
    if (choice.kind != Kind::any && choice.kind != Kind::tool) return std::nullopt;
    std::vector<ToolSpec> tools = std::move(request.tools);
    if (choice.kind == Kind::tool)
        std::erase_if(tools, [&](const ToolSpec& tool) { return tool.name != choice.name; });
    if (tools.empty()) return std::nullopt;
    ForcedTool forced{.name = tools.size() == 1 ? tools.front().name : std::string(),
                      .id = call_id(request)};
    request.tools.clear();
    request.tool_choice.reset();
    request.output_format = models::OutputFormat{
        .kind = models::OutputFormat::Kind::json_schema,
        .name = forced.name,
        .schema = tools.size() == 1 ? schema_of(tools.front()) : schema_of_any(tools)};
    tools_as_text(request);
    request.system.emplace_back(models::TextBlock{instructions(tools)});
    return forced;
}

void tools_as_text(ChatRequest& request) {
    for (models::Message& message : request.messages) message.content = as_text(message.content);
}

std::unique_ptr<models::ChatStream> as_tool_call(std::unique_ptr<models::ChatStream> inner,
                                                 ForcedTool tool) {
    return std::make_unique<ToolCallStream>(std::move(inner), std::move(tool));
}

}  // namespace ac::embedded
