#pragma once
// Answers of models as Anthropic's Messages API gives them: whole, or as the events of its stream.

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "models/chat.h"
#include "wire/chat_streaming.h"
#include "wire/operation.h"

namespace ac::wire {

struct AnthropicAnswer {
    std::string id;     // "msg_..."
    std::string model;  // as the caller named it
};

boost::json::object anthropic_message(models::ChatAnswer answer, const AnthropicAnswer& about);

// One event of the port becomes none, one or several of Anthropic's.
class AnthropicEvents final {
  public:
    explicit AnthropicEvents(AnthropicAnswer about) : about_(std::move(about)) {}
    std::vector<boost::json::object> next(const models::ChatEvent& event);
    const models::Metadata& metadata() const { return metadata_; }

  private:
    boost::json::object begin_message() const;
    void begin_block(const models::BlockStart& start, std::vector<boost::json::object>& out);
    void add_delta(const models::BlockDelta& delta, std::vector<boost::json::object>& out);
    void end_message(std::vector<boost::json::object>& out);

    AnthropicAnswer about_;
    // A reasoning block shows by its first piece whether it is readable or redacted.
    bool block_is_pending_ = false;
    models::MessageStop stop_;
    models::Metadata metadata_;
};

// As server-sent events (the front), and as chunks of Bedrock's event stream.
std::unique_ptr<ChatEncoder> make_anthropic_sse(AnthropicAnswer about);
std::unique_ptr<ChatEncoder> make_anthropic_chunks(AnthropicAnswer about,
                                                   const OperationSpec* operation);

// {"type": "error", "error": {"type", "message"}} and its HTTP status.
struct AnthropicError {
    int status = 500;
    std::string body;
};
AnthropicError anthropic_error(const Error& error, std::string_view request_id);

}  // namespace ac::wire
