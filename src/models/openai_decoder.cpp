#include "models/openai_decoder.h"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "models/json_view.h"
#include "models/limits.h"
#include "models/tool_id.h"
#include "net/sse_decoder.h"

namespace ac::models {
namespace {

StopReason stop_reason_of(std::string_view finish, bool has_tools) {
    if (finish == "length") return StopReason::max_tokens;
    if (finish == "content_filter") return StopReason::content_filtered;
    if (finish == "tool_calls" || finish == "function_call" || has_tools)
        return StopReason::tool_use;
    return StopReason::end_turn;
}

Usage usage_of(const json::object& object) {
    Usage usage{.input_tokens = count_in(object, "prompt_tokens"),
                .output_tokens = count_in(object, "completion_tokens")};
    if (const auto* details = object_in(object, "prompt_tokens_details")) {
        const std::int64_t cached = count_in(*details, "cached_tokens");
        usage.cache_read_input_tokens = std::min(cached, usage.input_tokens);
        usage.input_tokens -= usage.cache_read_input_tokens;
    }
    return usage;
}

// What a message or a delta of one says: the same words in both.
class Reader final {
  public:
    explicit Reader(std::string provider) : provider_(std::move(provider)) {}

    Result<> take_body(const json::value& value, std::string_view piece_name, EventQueue& out);
    // The answer is whole: what ends it is told.
    void complete(EventQueue& out);
    bool has_finished() const { return finished_; }
    Error failed(std::string what) const {
        return model_failed("model provider " + provider_ + " " + std::move(what));
    }

  private:
    Result<> take_choice(const json::object& choice, std::string_view piece_name, EventQueue& out);
    Result<> take_piece(const json::object& piece, EventQueue& out);
    Result<> take_call(const json::object& call, EventQueue& out);
    Result<> take_arguments(const json::object& function, EventQueue& out);
    Error error_in(const json::value& error) const;

    const std::string provider_;
    Usage usage_;
    bool finished_ = false;
    std::int64_t tool_index_ = -1;
    std::string tool_id_;
    std::string tool_name_;
};

Error Reader::error_in(const json::value& error) const {
    const auto* object = error.if_object();
    const std::string message = object != nullptr   ? text_in(*object, "message")
                                : error.is_string() ? std::string(error.get_string())
                                                    : std::string();
    const std::int64_t code = object != nullptr ? count_in(*object, "code") : 0;
    if (code >= 400 && code < 600)
        return error_of_status(provider_, static_cast<int>(code), json::serialize(error));
    return failed("answered an error: " + message);
}

Result<> Reader::take_body(const json::value& value, std::string_view piece_name, EventQueue& out) {
    const auto* body = value.if_object();
    if (body == nullptr) return fail(failed("answered JSON that is no object"));
    if (const auto* error = body->if_contains("error"); error != nullptr && !error->is_null())
        return fail(error_in(*error));
    if (const auto* usage = object_in(*body, "usage")) usage_ = usage_of(*usage);
    const auto* choices = array_in(*body, "choices");
    if (choices == nullptr) return {};
    for (const json::value& choice : *choices) {
        const auto* object = choice.if_object();
        if (object == nullptr) return fail(failed("answered a choice that is no object"));
        if (count_in(*object, "index") != 0) continue;
        AC_CHECK(take_choice(*object, piece_name, out));
    }
    return {};
}

Result<> Reader::take_choice(const json::object& choice, std::string_view piece_name,
                             EventQueue& out) {
    out.start_message();
    if (out.is_stopped()) return {};
    if (const auto* piece = object_in(choice, piece_name)) AC_CHECK(take_piece(*piece, out));
    const std::string finish = text_in(choice, "finish_reason");
    if (finish.empty()) return {};
    finished_ = true;
    MessageStop stop{.reason = stop_reason_of(finish, out.tools() > 0)};
    // vLLM names the sequence that it met.
    stop.stop_sequence = text_in(choice, "stop_reason");
    if (finish == "stop" && !stop.stop_sequence.empty()) stop.reason = StopReason::stop_sequence;
    out.stop(std::move(stop));
    return {};
}

Result<> Reader::take_piece(const json::object& piece, EventQueue& out) {
    std::string reasoning = text_in(piece, "reasoning_content");
    if (reasoning.empty()) reasoning = text_in(piece, "reasoning");
    out.reasoning({.text = std::move(reasoning)});
    const auto* content = piece.if_contains("content");
    if (content != nullptr && !content->is_string() && !content->is_null())
        return fail(failed("answered content that is no text"));
    out.text(text_view_in(piece, "content"));
    out.text(text_view_in(piece, "refusal"));
    const auto* calls = array_in(piece, "tool_calls");
    if (calls == nullptr) return {};
    for (const json::value& call : *calls) {
        const auto* object = call.if_object();
        if (object == nullptr) return fail(failed("answered a tool call that is no object"));
        AC_CHECK(take_call(*object, out));
    }
    return out.blocks() > kAnswerBlocksMax ? fail(failed("answered too many blocks")) : Result<>{};
}

Result<> Reader::take_call(const json::object& call, EventQueue& out) {
    const auto* function = object_in(call, "function");
    if (function == nullptr) return fail(failed("answered a tool call without a function"));
    const std::int64_t index =
        call.contains("index") ? count_in(call, "index") : std::int64_t{out.tools()};
    const std::string id = text_in(call, "id");
    const std::string name = text_in(*function, "name");
    const bool is_other = index != tool_index_ || (!id.empty() && id != tool_id_);
    if (is_other && !name.empty()) {
        tool_index_ = index;
        tool_id_ = id;
        tool_name_ = name;
        out.start_tool(tool_id_or_new(id, out.tools() + 1), name);
    } else if (index != tool_index_) {
        return fail(failed("went on with a tool call that it had not begun"));
    }
    return take_arguments(*function, out);
}

Result<> Reader::take_arguments(const json::object& function, EventQueue& out) {
    const auto* arguments = function.if_contains("arguments");
    if (arguments == nullptr || arguments->is_null()) return {};
    const bool taken = arguments->is_string() ? out.tool_input(arguments->get_string())
                                              : out.tool_input(json::serialize(*arguments));
    if (!taken) return fail(failed("went on with a tool call that it had ended"));
    return {};
}

void Reader::complete(EventQueue& out) {
    out.stop({.reason = stop_reason_of("stop", out.tools() > 0)});
    out.metadata(usage_);
}

class StreamDecoder final : public ChatDecoder {
  public:
    explicit StreamDecoder(std::string provider)
        : reader_(std::move(provider)), sse_(kSseLineBytesMax) {}

    Result<> feed(std::string_view bytes, EventQueue& out) override {
        sse_.feed(bytes);
        while (!out.is_complete()) {
            auto event = sse_.next();
            if (!event) return fail(reader_.failed("answered too large an event"));
            if (!*event) return {};
            AC_CHECK(take((*event)->data, out));
        }
        return {};
    }
    Result<> end(EventQueue& out) override {
        if (!reader_.has_finished()) return fail(reader_.failed("broke off its answer"));
        reader_.complete(out);
        return {};
    }

  private:
    Result<> take(std::string_view data, EventQueue& out) {
        if (data == "[DONE]") {
            if (!out.is_started()) return fail(reader_.failed("answered nothing"));
            reader_.complete(out);
            return {};
        }
        std::array<unsigned char, 4096> memory;
        json::monotonic_resource resource(memory.data(), memory.size());
        boost::system::error_code error;
        const json::value value = json::parse(data, error, &resource, {.max_depth = kJsonDepthMax});
        if (error) return fail(reader_.failed("answered an event that is no JSON"));
        return reader_.take_body(value, "delta", out);
    }

    Reader reader_;
    net::SseDecoder sse_;
};

class WholeDecoder final : public ChatDecoder {
  public:
    explicit WholeDecoder(std::string provider) : reader_(std::move(provider)) {}

    Result<> feed(std::string_view bytes, EventQueue&) override {
        if (text_.size() + bytes.size() > kAnswerBytesMax)
            return fail(reader_.failed("answered too much"));
        text_ += bytes;
        return {};
    }
    Result<> end(EventQueue& out) override {
        boost::system::error_code error;
        const json::value value = json::parse(text_, error, {}, {.max_depth = kJsonDepthMax});
        if (error) return fail(reader_.failed("answered no JSON"));
        AC_CHECK(reader_.take_body(value, "message", out));
        if (!out.is_started()) return fail(reader_.failed("answered nothing"));
        reader_.complete(out);
        return {};
    }

  private:
    Reader reader_;
    std::string text_;
};

}  // namespace

std::unique_ptr<ChatDecoder> make_openai_stream_decoder(std::string provider) {
    return std::make_unique<StreamDecoder>(std::move(provider));
}

std::unique_ptr<ChatDecoder> make_openai_whole_decoder(std::string provider) {
    return std::make_unique<WholeDecoder>(std::move(provider));
}

}  // namespace ac::models
