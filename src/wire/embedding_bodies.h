#pragma once
// Bodies of InvokeModel for embedding models: Amazon Titan (G1 and V2) and Cohere Embed.

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "models/embedder.h"

namespace ac::wire {

enum class EmbeddingForm { none, titan, cohere };
// `model` decides where a body could also be meant for a text model.
EmbeddingForm embedding_form(const boost::json::object& body, std::string_view model);

struct EmbeddingCall {
    models::EmbedRequest request;
    EmbeddingForm form = EmbeddingForm::none;
    std::vector<std::string> types;  // as asked for: float, int8, uint8, binary, ubinary
};

// invalid_argument names the member.
Result<EmbeddingCall> embedding_call_from(const boost::json::object& body, EmbeddingForm form);

// `id` is what Cohere gives every answer.
boost::json::object embedding_answer(const EmbeddingCall& call, const models::Embeddings& made,
                                     std::string id);

}  // namespace ac::wire
