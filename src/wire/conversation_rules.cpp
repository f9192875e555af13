#include "wire/conversation_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "wire/converse_input.h"

namespace ac::wire {
namespace {

using models::Message;
using models::Role;

std::string at(std::size_t message) {
    return fmt::format("messages.{}.content", message);
}

// The calls of one turn of the assistant, by id; `index` is its message.
Result<std::set<std::string>> calls_of(const Message& message, std::size_t index) {
    std::set<std::string> ids;
    for (std::size_t i = 0; i < message.content.size(); ++i) {
        const auto path = fmt::format("{}.{}", at(index), i);
        if (std::holds_alternative<models::ToolResultBlock>(message.content[i]))
            return bad_member(path + ".toolResult",
                              fmt::format("The toolResult block at {} is in a message of the "
                                          "assistant. Tool results come from the user.",
                                          path));
        const auto* call = std::get_if<models::ToolUseBlock>(&message.content[i]);
        if (call != nullptr && !ids.insert(call->id).second)
            return bad_member(path + ".toolUse.toolUseId",
                              fmt::format("The toolUse blocks at {} contain the duplicate Id {}",
                                          at(index), call->id));
    }
    return ids;
}

// Takes the results of one message of the user off the calls that wait for them.
Result<> answer_calls(const Message& message, std::size_t index, std::set<std::string>& open,
                      std::set<std::string>& answered) {
    for (std::size_t i = 0; i < message.content.size(); ++i) {
        const auto path = fmt::format("{}.{}", at(index), i);
        if (std::holds_alternative<models::ToolUseBlock>(message.content[i]))
            return bad_member(path + ".toolUse",
                              fmt::format("The toolUse block at {} is in a message of the user. "
                                          "Tools are called by the assistant.",
                                          path));
        if (std::holds_alternative<models::ReasoningBlock>(message.content[i]))
            return bad_member(path + ".reasoningContent",
                              fmt::format("The reasoningContent block at {} is in a message of the "
                                          "user.",
                                          path));
        const auto* result = std::get_if<models::ToolResultBlock>(&message.content[i]);
        if (result == nullptr) continue;
        if (answered.contains(result->id))
            return bad_member(path + ".toolResult.toolUseId",
                              fmt::format("The toolResult blocks at {} contain the duplicate Id {}",
                                          at(index), result->id));
        if (open.erase(result->id) == 0)
            return bad_member(
                path + ".toolResult.toolUseId",
                fmt::format("The number of toolResult blocks at {} exceeds the number of toolUse "
                            "blocks of previous turn: no toolUse of it has the Id {}",
                            at(index), result->id));
        answered.insert(result->id);
    }
    return {};
}

Result<> all_answered(const std::set<std::string>& open, std::size_t index) {
    if (open.empty()) return {};
    return bad_member(at(index),
                      fmt::format("Expected toolResult blocks at {} for the following Ids: {}",
                                  at(index), fmt::join(open, ", ")));
}

Result<> check_turns(const std::vector<Message>& messages) {
    if (messages.empty() || messages.front().role != Role::user)
        return bad_member(messages.empty() ? "messages" : "messages.0.role",
                          "A conversation must start with a user message. Try again with a "
                          "conversation that starts with a user message.");
    std::set<std::string> open;
    std::set<std::string> answered;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (messages[i].role == Role::user) {
            AC_CHECK(answer_calls(messages[i], i, open, answered));
            continue;
        }
        if (i > 0 && messages[i - 1].role == Role::assistant)
            return bad_member(fmt::format("messages.{}.role", i),
                              "A conversation must alternate between user and assistant roles. "
                              "Make sure the conversation alternates between user and assistant "
                              "roles and try again.");
        AC_CHECK(all_answered(open, i - 1));
        answered.clear();
        AC_TRY(open, calls_of(messages[i], i));
    }
    return all_answered(open,
                        messages.back().role == Role::user ? messages.size() - 1 : messages.size());
}

void merge_users(std::vector<Message>& messages) {
    std::vector<Message> merged;
    for (Message& message : messages) {
        if (merged.empty() || merged.back().role != message.role) {
            merged.push_back(std::move(message));
            continue;
        }
        std::ranges::move(message.content, std::back_inserter(merged.back().content));
    }
    messages = std::move(merged);
}

}  // namespace

Result<> settle_conversation(models::ChatRequest& request) {
    AC_CHECK(check_turns(request.messages));
    merge_users(request.messages);
    return {};
}

Result<> check_tools(const models::ChatRequest& request) {
    std::set<std::string_view> names;
    for (const models::ToolSpec& tool : request.tools)
        if (!names.insert(tool.name).second)
            return bad_member("toolConfig.tools",
                              fmt::format("The tool {} is defined more than once", tool.name));
    const auto& choice = request.tool_choice;
    if (choice && choice->kind == models::ToolChoice::Kind::tool && !names.contains(choice->name))
        return bad_member("toolConfig.toolChoice.tool.name",
                          fmt::format("toolChoice names the tool {}, which is not among the tools",
                                      choice->name));
    return {};
}

}  // namespace ac::wire
