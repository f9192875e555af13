#include "wire/tool_result.h"

#include <boost/json.hpp>

#include "base/encoding.h"
#include "wire/event_stream.h"
#include "wire/json_members.h"
#include "wire/tool_text.h"

namespace ac::wire {
namespace {

namespace json = boost::json;
using interpreter::AgentEvent;
using interpreter::Tool;

constexpr std::size_t kOutputShownMax = std::size_t{512} << 10;
// Clients read events of up to 24 MiB (botocore; older ones 16 MiB).
constexpr std::size_t kEventBytesMax = 15'000'000;
constexpr std::size_t kBytesMax = std::size_t{64} << 20;
constexpr std::string_view kTruncated = "\n[the output was longer; the rest is left out]";

// Output that an event can carry: it is in there twice, and a byte may be escaped to six.
std::string bounded(std::string text) {
    if (text.size() <= kOutputShownMax) return text;
    text.resize(kOutputShownMax);
    text.resize(whole_characters(text));
    return text.append(kTruncated);
}

std::string without_final_newline(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    return text;
}

json::object text_block(std::string_view text) {
    json::object block;
    block["type"] = "text";
    block["text"] = text;
    return block;
}

double seconds_in(const json::object& object) {
    const auto* value = member_in(object, "seconds");
    return value != nullptr && value->is_number() ? value->to_number<double>() : 0.0;
}

}  // namespace

bool ToolResult::add(AgentEvent event) {
    // An agent keeps to its own, lower, bound, unless strangers' code has become the agent.
    if (event.kind != "done") taken_ += event.body.size();
    if (taken_ > kBytesMax && event.kind != "done") return false;
    if (event.kind == "output") {
        (string_in(event.header, "stream") == "stderr" ? errors_ : output_) += event.body;
        return false;
    }
    if (event.kind == "display") {
        add_display(std::move(event));
        return false;
    }
    finish(std::move(event));
    return true;
}

void ToolResult::add_display(AgentEvent event) {
    const std::string type = readable(string_in(event.header, "mimeType"));
    json::object block;
    if (type.starts_with("image/") && type != "image/svg+xml") {
        block["type"] = "image";
        block["mimeType"] = type;
        block["data"] = to_base64(event.body);
    } else {
        json::object resource;
        resource["type"] = "text";
        resource["uri"] = "display:///" + std::to_string(blocks_.size() + 1);
        resource["mimeType"] = type;
        resource["text"] = readable(event.body);
        block["type"] = "resource";
        block["resource"] = std::move(resource);
    }
    blocks_.push_back(std::move(block));
}

void ToolResult::finish(AgentEvent event) {
    if (const std::string error = string_in(event.header, "error"); !error.empty()) {
        is_error_ = true;
        text_ = readable(error);
        return;
    }
    switch (tool_) {
        case Tool::execute_code:
        case Tool::execute_command: {
            has_outputs_ = true;
            const std::int64_t code = integer_in(event.header, "exitCode");
            structured_["exitCode"] = code;
            structured_["executionTime"] = seconds_in(event.header);
            is_error_ = code != 0;
            if (flag_in(event.header, "truncated")) output_ += kTruncated;
            return;
        }
        case Tool::read_files:
            return finish_files(std::move(event));
        case Tool::list_files:
            return finish_listing(event);
        case Tool::write_files:
        case Tool::remove_files:
            text_ = readable(string_in(event.header, "text"));
            return;
        case Tool::start_command:
        case Tool::get_task:
        case Tool::stop_task:
            return finish_task(std::move(event));
    }
}

void ToolResult::finish_files(AgentEvent event) {
    auto files = FileEvents::open(event.header, std::move(event.body), pieces_);
    if (files) {
        files_ = *std::move(files);
        return;
    }
    is_error_ = true;
    text_ = files.error().message;
}

void ToolResult::finish_listing(const AgentEvent& event) {
    const auto* entries = array_in(event.header, "entries");
    if (entries == nullptr) return;
    for (const auto& item : *entries) {
        const auto* entry = item.if_object();
        if (entry == nullptr) continue;
        const bool is_folder = flag_in(*entry, "isFolder");
        json::object block;
        block["type"] = "resource_link";
        block["uri"] = "file:///" + readable(string_in(*entry, "path"));
        block["name"] = readable(string_in(*entry, "name"));
        block["description"] = is_folder ? "Directory" : "File";
        if (!is_folder) {
            block["mimeType"] = readable(string_in(*entry, "mimeType"));
            block["size"] = integer_in(*entry, "size");
        }
        blocks_.push_back(std::move(block));
    }
    if (flag_in(event.header, "truncated"))
        text_ = "The folder has more files than are listed here.";
}

void ToolResult::finish_task(AgentEvent event) {
    structured_["taskId"] = readable(string_in(event.header, "task"));
    structured_["taskStatus"] = readable(string_in(event.header, "status"));
    if (tool_ != Tool::get_task) {
        text_ = "Task " + readable(string_in(event.header, "task")) + ": " +
                readable(string_in(event.header, "status"));
        return;
    }
    const auto split = std::min<std::size_t>(
        static_cast<std::size_t>(std::max<std::int64_t>(0, integer_in(event.header, "outBytes"))),
        event.body.size());
    output_ = event.body.substr(0, split);
    errors_ = event.body.substr(split);
    has_outputs_ = true;
    structured_["executionTime"] = seconds_in(event.header);
    if (member_in(event.header, "exitCode") != nullptr)
        structured_["exitCode"] = integer_in(event.header, "exitCode");
    if (flag_in(event.header, "truncated")) output_ += kTruncated;
}

std::string ToolResult::interim() {
    const std::size_t output_end = whole_characters(output_);
    const std::size_t errors_end = whole_characters(errors_);
    if (output_end <= told_output_ && errors_end <= told_errors_) return {};
    const auto piece = [](const std::string& text, std::size_t& told, std::size_t end) {
        std::string out = readable(std::string_view(text).substr(told, end - told));
        told = end;
        return out;
    };
    const std::string output =
        bounded(piece(output_, told_output_, std::max(output_end, told_output_)));
    const std::string errors =
        bounded(piece(errors_, told_errors_, std::max(errors_end, told_errors_)));
    json::object structured;
    structured["taskStatus"] = "working";
    structured["stdout"] = output;
    structured["stderr"] = errors;
    json::object result;
    json::array content;
    content.push_back(text_block(output + errors));
    result["content"] = std::move(content);
    result["structuredContent"] = std::move(structured);
    result["isError"] = false;
    return encode(std::move(result));
}

void ToolResult::next_event(std::string& out) {
    if (files_) return files_->next(out);
    out = was_told_ ? std::string() : final_event();
    was_told_ = true;
}

std::string ToolResult::final_event() {
    json::object result;
    json::array content;
    if (has_outputs_) {
        const std::string output = bounded(without_final_newline(readable(output_)));
        const std::string errors = bounded(without_final_newline(readable(errors_)));
        std::string text = output;
        if (!errors.empty() && (is_error_ || output.empty()))
            text += (output.empty() ? "" : "\n") + errors;
        if (!text.empty() || blocks_.empty()) content.push_back(text_block(text));
        structured_["stdout"] = output;
        structured_["stderr"] = errors;
    } else if (!text_.empty()) {
        content.push_back(text_block(text_));
    }
    for (auto& block : blocks_) content.push_back(std::move(block));
    result["content"] = std::move(content);
    if (!structured_.empty()) result["structuredContent"] = std::move(structured_);
    result["isError"] = is_error_;
    return encode(std::move(result));
}

void ToolResult::end_broken(const std::string& why) {
    is_error_ = true;
    if (tool_ == Tool::execute_code || tool_ == Tool::execute_command) {
        has_outputs_ = true;
        errors_ += (errors_.empty() || errors_.ends_with('\n') ? "" : "\n") + why;
        structured_["exitCode"] = 137;
    } else {
        text_ = why;
    }
}

std::string ToolResult::encode(json::object result) const {
    std::string text = json::serialize(result);
    if (text.size() <= kEventBytesMax) return encode_event("result", std::move(text));
    json::object instead;
    json::array content;
    content.push_back(text_block(
        "The result is larger than one event of the stream can carry (15 MB of JSON): show less, "
        "or write it to a file and read that."));
    instead["content"] = std::move(content);
    instead["isError"] = true;
    return encode_event("result", json::serialize(instead));
}

}  // namespace ac::wire
