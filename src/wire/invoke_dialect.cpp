#include "wire/invoke_dialect.h"

#include <boost/json/serialize.hpp>

#include "wire/anthropic_input.h"
#include "wire/anthropic_output.h"
#include "wire/conversation_rules.h"
#include "wire/converse_input.h"
#include "wire/converse_output.h"
#include "wire/event_stream.h"
#include "wire/invoke_chunk.h"
#include "wire/loose_json.h"

namespace ac::wire {
namespace {

namespace json = boost::json;
using models::ChatAnswer;
using models::ChatRequest;

class AnthropicDialect final : public InvokeDialect {
  public:
    explicit AnthropicDialect(DialectParts parts)
        : about_{.id = "msg_bdrk_" + random_text(parts.random), .model = std::move(parts.model)} {}
    Result<ChatRequest> request(const json::object& body) const override {
        const LooseObject given(body, "");
        AC_CHECK(given.choice("anthropic_version", {"bedrock-2023-05-31"}));
        return anthropic_request(body);
    }
    json::object answer(ChatAnswer answer) const override {
        return anthropic_message(std::move(answer), about_);
    }
    std::unique_ptr<ChatEncoder> encoder(const OperationSpec* operation) const override {
        return make_anthropic_chunks(about_, operation);
    }

  private:
    static std::string random_text(Random& random) {
        std::string id = random_uuid(random);
        std::erase(id, '-');
        return id.substr(0, 24);
    }
    AnthropicAnswer about_;
};

std::string text_of(const models::Message& message) {
    std::string text;
    for (const auto& block : message.content)
        if (const auto* part = std::get_if<models::TextBlock>(&block)) text += part->text;
    return text;
}

ChatRequest prompt_request(std::string prompt) {
    ChatRequest request;
    models::Message message;
    message.content.emplace_back(models::TextBlock{std::move(prompt)});
    request.messages.push_back(std::move(message));
    return request;
}

// A stream of the text's pieces, in whatever object the dialect puts each.
class PieceEncoder : public ChatEncoder {
  public:
    explicit PieceEncoder(const OperationSpec* operation) : operation_(operation) {}
    std::string_view content_type() const final { return kEventStreamType; }
    std::string encode(const models::ChatEvent& event) final {
        if (const auto* delta = std::get_if<models::BlockDelta>(&event)) {
            const auto* text = std::get_if<models::TextDelta>(&delta->delta);
            return text ? encode_chunk(json::serialize(piece(text->text))) : std::string();
        }
        if (const auto* stop = std::get_if<models::MessageStop>(&event)) reason_ = stop->reason;
        const auto* metadata = std::get_if<models::Metadata>(&event);
        if (metadata == nullptr) return {};
        json::object last = final_piece(*metadata, reason_);
        last["amazon-bedrock-invocationMetrics"] = invocation_metrics(*metadata);
        return encode_chunk(json::serialize(last));
    }
    std::string end() final { return {}; }
    std::string error(const Error& error) final { return encode_stream_error(error, operation_); }

  protected:
    virtual json::object piece(const std::string& text) const = 0;
    virtual json::object final_piece(const models::Metadata& metadata,
                                     models::StopReason reason) const = 0;

  private:
    const OperationSpec* operation_;
    models::StopReason reason_ = models::StopReason::end_turn;
};

// Amazon Titan Text.
class TitanTextDialect final : public InvokeDialect {
  public:
    Result<ChatRequest> request(const json::object& object) const override {
        const LooseObject body(object, "");
        AC_TRY(std::string prompt, body.text("inputText"));
        if (prompt.empty()) return body.bad("inputText", "must not be empty");
        auto request = prompt_request(std::move(prompt));
        AC_TRY(const auto config, body.object("textGenerationConfig"));
        if (!config) return request;
        AC_TRY(request.inference.max_tokens, config->integer("maxTokenCount", 1, 1'000'000));
        AC_TRY(request.inference.temperature, config->number("temperature", 0, 1));
        AC_TRY(request.inference.top_p, config->number("topP", 0, 1));
        AC_TRY(request.inference.stop_sequences, config->texts("stopSequences"));
        return request;
    }
    json::object answer(ChatAnswer answer) const override {
        json::object result{{"tokenCount", answer.usage.output_tokens},
                            {"outputText", text_of(answer.message)},
                            {"completionReason", reason_text(answer.stop_reason)}};
        json::object out{{"inputTextTokenCount", answer.usage.input_tokens}};
        out["results"].emplace_array().emplace_back(std::move(result));
        return out;
    }
    std::unique_ptr<ChatEncoder> encoder(const OperationSpec* operation) const override {
        return std::make_unique<Pieces>(operation);
    }

  private:
    static std::string_view reason_text(models::StopReason reason) {
        if (reason == models::StopReason::max_tokens) return "LENGTH";
        return reason == models::StopReason::content_filtered ? "CONTENT_FILTERED" : "FINISH";
    }
    class Pieces final : public PieceEncoder {
      public:
        using PieceEncoder::PieceEncoder;

      private:
        json::object piece(const std::string& text) const override {
            return {{"outputText", text}, {"index", 0}, {"completionReason", nullptr}};
        }
        json::object final_piece(const models::Metadata& metadata,
                                 models::StopReason reason) const override {
            return {{"outputText", ""},
                    {"index", 0},
                    {"totalOutputTextTokenCount", metadata.usage.output_tokens},
                    {"completionReason", reason_text(reason)},
                    {"inputTextTokenCount", metadata.usage.input_tokens}};
        }
    };
};

// Meta Llama.
class LlamaDialect final : public InvokeDialect {
  public:
    Result<ChatRequest> request(const json::object& object) const override {
        const LooseObject body(object, "");
        AC_TRY(std::string prompt, body.text("prompt"));
        if (prompt.empty()) return body.bad("prompt", "must not be empty");
        auto request = prompt_request(std::move(prompt));
        AC_TRY(request.inference.max_tokens, body.integer("max_gen_len", 1, 1'000'000));
        AC_TRY(request.inference.temperature, body.number("temperature", 0, 1));
        AC_TRY(request.inference.top_p, body.number("top_p", 0, 1));
        return request;
    }
    json::object answer(ChatAnswer answer) const override {
        return {{"generation", text_of(answer.message)},
                {"prompt_token_count", answer.usage.input_tokens},
                {"generation_token_count", answer.usage.output_tokens},
                {"stop_reason", reason_text(answer.stop_reason)}};
    }
    std::unique_ptr<ChatEncoder> encoder(const OperationSpec* operation) const override {
        return std::make_unique<Pieces>(operation);
    }

  private:
    static std::string_view reason_text(models::StopReason reason) {
        return reason == models::StopReason::max_tokens ? "length" : "stop";
    }
    class Pieces final : public PieceEncoder {
      public:
        using PieceEncoder::PieceEncoder;

      private:
        json::object piece(const std::string& text) const override {
            return {{"generation", text},
                    {"prompt_token_count", nullptr},
                    {"generation_token_count", nullptr},
                    {"stop_reason", nullptr}};
        }
        json::object final_piece(const models::Metadata& metadata,
                                 models::StopReason reason) const override {
            return {{"generation", ""},
                    {"prompt_token_count", metadata.usage.input_tokens},
                    {"generation_token_count", metadata.usage.output_tokens},
                    {"stop_reason", reason_text(reason)}};
        }
    };
};

// Amazon Nova: the members of Converse, each event an object of one member.
class NovaDialect final : public InvokeDialect {
  public:
    explicit NovaDialect(DialectParts parts) : codec_(parts.codec), random_(parts.random) {}
    Result<ChatRequest> request(const json::object& body) const override {
        json::object converse = body;
        if (auto* config = converse.if_contains("inferenceConfig"); config && config->is_object()) {
            json::object& inference = config->get_object();
            if (const auto* tokens = inference.if_contains("max_new_tokens"))
                inference["maxTokens"] = json::value(*tokens);
        }
        const PathLabel model{.name = "modelId", .value = "nova"};
        const net::RequestHead head{.method = "POST", .target = "/", .headers = {}};
        const std::string text = json::serialize(converse);
        AC_TRY(const auto input,
               codec_.decode(*find_operation("Converse"), {&model, 1}, head, &text, random_));
        return chat_request_from(input);
    }
    json::object answer(ChatAnswer answer) const override {
        json::object out = converse_output(std::move(answer), {});
        out.erase("metrics");
        return out;
    }
    std::unique_ptr<ChatEncoder> encoder(const OperationSpec* operation) const override {
        return std::make_unique<Events>(operation);
    }

  private:
    class Events final : public ChatEncoder {
      public:
        explicit Events(const OperationSpec* operation) : operation_(operation) {}
        std::string_view content_type() const override { return kEventStreamType; }
        std::string encode(const models::ChatEvent& event) override {
            auto said = converse_event(event, {});
            if (!said) return {};
            json::object part;
            part[said->type] = std::move(said->payload);
            if (const auto* metadata = std::get_if<models::Metadata>(&event))
                part["amazon-bedrock-invocationMetrics"] = invocation_metrics(*metadata);
            return encode_chunk(json::serialize(part));
        }
        std::string end() override { return {}; }
        std::string error(const Error& error) override {
            return encode_stream_error(error, operation_);
        }

      private:
        const OperationSpec* operation_;
    };
    const Codec& codec_;
    Random& random_;
};

bool looks_like_nova(const json::object& body, std::string_view model) {
    return body.contains("schemaVersion") || body.contains("inferenceConfig") ||
           (body.contains("messages") && model.find("nova") != model.npos);
}

}  // namespace

Result<std::unique_ptr<InvokeDialect>> dialect_of(const json::object& body, DialectParts parts) {
    using Made = Result<std::unique_ptr<InvokeDialect>>;
    if (body.contains("anthropic_version") || parts.model.find("anthropic.") != parts.model.npos)
        return Made(std::make_unique<AnthropicDialect>(std::move(parts)));
    if (looks_like_nova(body, parts.model))
        return Made(std::make_unique<NovaDialect>(std::move(parts)));
    if (body.contains("inputText")) return Made(std::make_unique<TitanTextDialect>());
    if (body.contains("prompt")) return Made(std::make_unique<LlamaDialect>());
    return bad_member("body",
                      "body: none of the supported forms: Anthropic messages (anthropic_version, "
                      "messages), Amazon Nova (messages, inferenceConfig), Amazon Titan text "
                      "(inputText), Meta Llama (prompt), Amazon Titan embeddings (inputText), "
                      "Cohere embeddings (texts, input_type). Use Converse for other models");
}

}  // namespace ac::wire
