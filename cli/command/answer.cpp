#include "cli/command/answer.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

void print(std::string& out, const json::value& value, std::size_t depth) {
    const auto indent = [&](std::size_t by) { out.append(2 * by, ' '); };
    if (const auto* object = value.if_object(); object && !object->empty()) {
        out += "{\n";
        std::size_t left = object->size();
        for (const auto& [key, member] : *object) {
            indent(depth + 1);
            out += json::serialize(json::value(key)) + ": ";
            print(out, member, depth + 1);
            out += --left > 0 ? ",\n" : "\n";
        }
        indent(depth);
        out += '}';
    } else if (const auto* list = value.if_array(); list && !list->empty()) {
        out += "[\n";
        std::size_t left = list->size();
        for (const auto& element : *list) {
            indent(depth + 1);
            print(out, element, depth + 1);
            out += --left > 0 ? ",\n" : "\n";
        }
        indent(depth);
        out += ']';
    } else {
        out += json::serialize(value);
    }
}

// BedrockAgentCoreApp's last event when the agent's generator raised: the status was sent before.
std::optional<std::string> error_in(const json::value& event) {
    const auto* object = event.if_object();
    if (!object || !object->contains("error") || !object->contains("error_type"))
        return std::nullopt;
    return shown(object->at("error_type"), false) + ": " + shown(object->at("error"), false);
}

}  // namespace

std::string payload_of(std::string_view text) {
    boost::system::error_code error;
    (void)json::parse(text, error);
    if (!error) return std::string(trim(text));
    return json::serialize(json::object{{"prompt", text}});
}

std::string pretty(const json::value& value) {
    std::string out;
    print(out, value, 0);
    return out;
}

std::string shown(const json::value& value, bool for_terminal) {
    if (const auto* text = value.if_string()) return std::string(*text);
    return for_terminal ? pretty(value) : json::serialize(value);
}

std::string StreamPrinter::feed(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        if (c == '\n' && after_carriage_return_) {
            after_carriage_return_ = false;
            continue;
        }
        after_carriage_return_ = c == '\r';
        if (c == '\n' || c == '\r')
            out += line_ended();
        else
            line_ += c;
    }
    return out;
}

std::string StreamPrinter::finish() {
    std::string out;
    if (!line_.empty()) out += line_ended();
    out += event_ended();
    if (!ends_with_newline_) out += '\n';
    ends_with_newline_ = true;
    return out;
}

std::string StreamPrinter::line_ended() {
    const std::string line = std::exchange(line_, {});
    if (line.empty()) return event_ended();
    if (!line.starts_with("data:")) return {};  // event:, id:, retry:, comments
    std::string_view value = std::string_view(line).substr(5);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (data_)
        *data_ += '\n';
    else
        data_.emplace();
    *data_ += value;
    return {};
}

std::string StreamPrinter::event_ended() {
    if (!data_) return {};
    const std::string data = *std::exchange(data_, std::nullopt);
    boost::system::error_code failed;
    json::value event = json::parse(data, failed);
    if (failed) event = json::string(data);
    if (auto error = error_in(event)) {
        error_ = std::move(error);
        events_.push_back(std::move(event));
        return {};
    }
    std::string out = shown(event, for_terminal_);
    // Tokens follow each other; a value that is not text gets a line of its own.
    if (!event.is_string() || failed) out += '\n';
    if (!event.is_string() && !ends_with_newline_) out.insert(0, 1, '\n');
    if (!out.empty()) ends_with_newline_ = out.back() == '\n';
    events_.push_back(std::move(event));
    return out;
}

}  // namespace ac::cli
