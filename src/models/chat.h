#pragma once
// Chat models as everything above sees them. The vocabulary is that of the Bedrock Converse API,
// which is the richest one that clients here speak: providers translate from it, fronts to it.
//
// A conversation goes in as a ChatRequest; the answer comes out as a ChatStream of events in a
// fixed order, whatever the provider sends:
//
//   message_start (block_start block_delta* block_stop)* message_stop metadata
//
// Blocks do not overlap and are numbered from 0. After metadata the stream has ended. An Error ends
// it too: what came before it stays valid.

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "async/task.h"
#include "base/clock.h"

namespace ac::models {

namespace json = boost::json;

enum class Role { user, assistant };

struct TextBlock {
    std::string text;
};

struct ImageBlock {
    std::string format;  // png, jpeg, gif, webp
    std::string bytes;   // raw, not base64
};

// Either `bytes` or `text` holds the content.
struct DocumentBlock {
    std::string format;  // pdf, csv, doc, docx, xls, xlsx, html, txt, md
    std::string name;
    std::string bytes;  // raw
    std::string text;
    std::string context;
    bool wants_citations = false;
};

struct ToolUseBlock {
    std::string id;
    std::string name;
    json::value input;  // any JSON; an object as a rule
};

struct JsonBlock {
    json::value value;
};

using ToolResultContent = std::variant<TextBlock, JsonBlock, ImageBlock, DocumentBlock>;

struct ToolResultBlock {
    std::string id;  // of the ToolUseBlock that it answers
    std::vector<ToolResultContent> content;
    bool is_error = false;
};

// Either `text` (with the provider's signature, where it has one) or `redacted` (opaque bytes).
struct ReasoningBlock {
    std::string text;
    std::string signature;
    std::string redacted;
};

// "Cache what is before me." Providers without prompt caching drop it.
struct CachePointBlock {
    std::string ttl;  // "5m", "1h" or empty
};

using ContentBlock = std::variant<TextBlock, ImageBlock, DocumentBlock, ToolUseBlock,
                                  ToolResultBlock, ReasoningBlock, CachePointBlock>;

struct Message {
    Role role = Role::user;
    std::vector<ContentBlock> content;
};

using SystemBlock = std::variant<TextBlock, CachePointBlock>;

struct ToolSpec {
    std::string name;
    std::string description;
    json::value input_schema;  // JSON Schema
    bool strict = false;       // the model's input must keep to the schema
    bool cache_after = false;  // a cachePoint followed it in the list of tools
};

struct ToolChoice {
    enum class Kind { automatic, any, tool, none };
    Kind kind = Kind::automatic;
    std::string name;  // with Kind::tool
};

struct InferenceConfig {
    std::optional<std::int64_t> max_tokens;
    std::optional<double> temperature;
    std::optional<double> top_p;
    std::vector<std::string> stop_sequences;
};

// The answer's text must be JSON: any object, or one that keeps to `schema`.
struct OutputFormat {
    enum class Kind { json_object, json_schema };
    Kind kind = Kind::json_object;
    std::string name;
    std::string description;
    json::value schema;
    bool strict = false;
};

struct ChatRequest {
    std::string model;  // as the caller named it; routing replaces it by the provider's name
    std::vector<SystemBlock> system;
    std::vector<Message> messages;
    std::vector<ToolSpec> tools;
    std::optional<ToolChoice> tool_choice;
    InferenceConfig inference;
    std::optional<OutputFormat> output_format;
    // additionalModelRequestFields: goes into the provider's request as it is, for what this
    // vocabulary has no word for (top_k, seed, thinking, ...).
    json::object additional_fields;
};

enum class StopReason {
    end_turn,
    tool_use,
    max_tokens,
    stop_sequence,
    guardrail_intervened,
    content_filtered,
    malformed_model_output,
    malformed_tool_use,
    model_context_window_exceeded,
};
std::string_view to_string(StopReason reason);  // as Converse spells it
std::optional<StopReason> stop_reason_from(std::string_view text);

struct Usage {
    std::int64_t input_tokens = 0;
    std::int64_t output_tokens = 0;
    std::int64_t cache_read_input_tokens = 0;
    std::int64_t cache_write_input_tokens = 0;
    std::int64_t total_tokens() const {
        return input_tokens + output_tokens + cache_read_input_tokens + cache_write_input_tokens;
    }
    friend bool operator==(const Usage&, const Usage&) = default;
};

struct MessageStart {
    Role role = Role::assistant;
};

// Every block has one, also text and reasoning, for which Bedrock's own stream sends none.
struct BlockStart {
    enum class Kind { text, tool_use, reasoning };
    int index = 0;
    Kind kind = Kind::text;
    std::string tool_use_id;  // with Kind::tool_use, where `tool_name` is set too
    std::string tool_name;
};

struct TextDelta {
    std::string text;
};
// A piece of the input's JSON text; all pieces of a block together are one JSON value, or empty for
// a tool without input.
struct ToolInputDelta {
    std::string json;
};
// Exactly one of them is not empty.
struct ReasoningDelta {
    std::string text;
    std::string signature;
    std::string redacted;  // raw bytes
};

struct BlockDelta {
    int index = 0;
    std::variant<TextDelta, ToolInputDelta, ReasoningDelta> delta;
};

struct BlockStop {
    int index = 0;
};

struct MessageStop {
    StopReason reason = StopReason::end_turn;
    std::string stop_sequence;       // the one that was met, where the provider tells
    json::object additional_fields;  // additionalModelResponseFields
};

struct Metadata {
    Usage usage;
    Milliseconds latency{0};  // from start() to the end of the answer
};

using ChatEvent =
    std::variant<MessageStart, BlockStart, BlockDelta, BlockStop, MessageStop, Metadata>;

// One answer as it comes. On the loop that called start(). Destroying it closes the connection to
// the provider, so that an answer nobody wants is not computed.
class ChatStream {
  public:
    virtual ~ChatStream() = default;
    // The next event; nullopt after metadata. Nothing is read from the provider but for this call,
    // so a slow caller slows the provider down. Ends with `cancelled` when the awaiting coroutine
    // is cancelled. Errors as ChatModel::start(); after one the stream has ended.
    virtual Task<std::optional<ChatEvent>> next() = 0;
    // An event has arrived already: next() will not wait. Lets a front write several in one piece.
    virtual bool is_ready() const = 0;
};

// Error codes and reasons of models, on top of base/error.h. Fronts map them:
//
//   invalid_argument                       ValidationException
//   permission_denied                      AccessDeniedException (the provider refused our key)
//   not_found                              ResourceNotFoundException (no such model)
//   throttled                              ThrottlingException
//   deadline_exceeded                      ModelTimeoutException
//   unavailable                            ServiceUnavailableException
//   busy, reason kModelNotReady            ModelNotReadyException
//   guest_failed, reason kModelFailed      ModelErrorException; inside a stream
//                                          ModelStreamErrorException
inline constexpr std::string_view kModelNotReady = "ModelNotReadyException";
inline constexpr std::string_view kModelFailed = "ModelErrorException";
Error model_not_ready(std::string message);
// The provider answered something that is no answer: garbage, half a stream, an error of its own.
Error model_failed(std::string message);

// Thread-safe.
class ChatModel {
  public:
    virtual ~ChatModel() = default;
    // Ends when the model has begun to answer: the first event is there. `deadline` bounds the
    // whole answer. `request` lives until the Task is done. Providers do not retry; the service
    // does.
    virtual Task<std::unique_ptr<ChatStream>> start(const ChatRequest& request,
                                                    SteadyTime deadline) = 0;
    // How many tokens the request's input has; an estimate where the provider cannot tell.
    virtual Task<std::int64_t> count_tokens(const ChatRequest& request, SteadyTime deadline) = 0;
};

// A stream read to its end.
struct ChatAnswer {
    Message message;
    StopReason stop_reason = StopReason::end_turn;
    std::string stop_sequence;
    json::object additional_fields;
    Usage usage;
    Milliseconds latency{0};
};

// Puts events together. Sans-I/O, so that fronts can follow a stream that they pass on.
class AnswerCollector final {
  public:
    // guest_failed when the order is broken, a tool's input is no JSON, or the answer is larger
    // than kAnswerBytesMax.
    Result<> add(ChatEvent event);
    bool is_complete() const { return complete_; }
    ChatAnswer take() { return std::move(answer_); }

  private:
    Result<> add_delta(BlockDelta delta);
    Result<> end_block();

    ChatAnswer answer_;
    std::string tool_input_;
    std::size_t bytes_ = 0;
    bool in_block_ = false;
    bool stopped_ = false;
    bool complete_ = false;
};

Task<ChatAnswer> collect(ChatStream& stream);

// About four bytes a token; images and documents by their size. Never 0.
std::int64_t estimate_tokens(const ChatRequest& request);

}  // namespace ac::models
