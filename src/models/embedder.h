#pragma once
// Text to vectors, many at once. Providers: an OpenAI-compatible server, the embedded default.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"

namespace ac::models {

// Some models (E5, Cohere) embed what is searched for differently from what is searched in.
enum class EmbedPurpose { document, query };

struct EmbedRequest {
    std::string model;  // as the caller named it; routing replaces it by the provider's name
    std::vector<std::string> texts;
    EmbedPurpose purpose = EmbedPurpose::document;
    // Shorter vectors than the model's own, where it can (Matryoshka); else invalid_argument.
    std::optional<std::size_t> dimensions;
};

struct Embeddings {
    std::vector<std::vector<float>> vectors;  // one for each text, in order, of length 1
    std::int64_t input_tokens = 0;
};

// Thread-safe.
class Embedder {
  public:
    virtual ~Embedder() = default;
    virtual const std::string& model() const = 0;
    // Of its vectors; 0 while that is not known (a remote model that was not asked yet).
    virtual std::size_t dimensions() const = 0;
    // Errors as of ChatModel::start(). `request` lives until the Task is done.
    virtual Task<Embeddings> embed(const EmbedRequest& request, SteadyTime deadline) = 0;
};

}  // namespace ac::models
