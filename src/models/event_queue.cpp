#include "models/event_queue.h"

namespace ac::models {

void EventQueue::start_message() {
    if (started_) return;
    started_ = true;
    events_.emplace_back(MessageStart{});
}

void EventQueue::open(BlockStart::Kind kind) {
    start_message();
    if (open_ == kind) return;
    end_block();
    open_ = kind;
    events_.emplace_back(BlockStart{.index = next_index_++, .kind = kind});
}

void EventQueue::text(std::string_view piece) {
    if (piece.empty()) return;
    open(BlockStart::Kind::text);
    events_.emplace_back(BlockDelta{next_index_ - 1, TextDelta{std::string(piece)}});
}

void EventQueue::reasoning(ReasoningDelta delta) {
    if (delta.text.empty() && delta.signature.empty() && delta.redacted.empty()) return;
    open(BlockStart::Kind::reasoning);
    events_.emplace_back(BlockDelta{next_index_ - 1, std::move(delta)});
}

void EventQueue::start_tool(std::string id, std::string name) {
    start_message();
    end_block();
    open_ = BlockStart::Kind::tool_use;
    ++tools_;
    events_.emplace_back(BlockStart{.index = next_index_++,
                                    .kind = BlockStart::Kind::tool_use,
                                    .tool_use_id = std::move(id),
                                    .tool_name = std::move(name)});
}

bool EventQueue::tool_input(std::string_view json) {
    if (open_ != BlockStart::Kind::tool_use) return false;
    if (!json.empty())
        events_.emplace_back(BlockDelta{next_index_ - 1, ToolInputDelta{std::string(json)}});
    return true;
}

void EventQueue::end_block() {
    if (!open_) return;
    open_.reset();
    events_.emplace_back(BlockStop{next_index_ - 1});
}

void EventQueue::stop(MessageStop stop) {
    if (stopped_) return;
    start_message();
    end_block();
    stopped_ = true;
    events_.emplace_back(std::move(stop));
}

void EventQueue::metadata(const Usage& usage) {
    if (complete_) return;
    complete_ = true;
    events_.emplace_back(Metadata{.usage = usage});
}

std::optional<ChatEvent> EventQueue::take() {
    if (events_.empty()) return std::nullopt;
    ChatEvent event = std::move(events_.front());
    events_.pop_front();
    return event;
}

}  // namespace ac::models
