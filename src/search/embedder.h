#pragma once
// Text to a vector. The hashed embedder is the one that is always there: character n-grams hashed
// into 384 signed buckets, so that spelling variants and unseen words still come near each other.
// It knows nothing of meaning; a model behind the same port does.

#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace ac::search {

// Thread-safe.
class Embedder {
  public:
    virtual ~Embedder() = default;
    virtual std::size_t dimensions() const = 0;
    // Of length 1, or all zero for a text without words.
    virtual std::vector<float> embed(std::string_view text) const = 0;
    // Of what is searched for, where a model tells it from what is searched in.
    virtual std::vector<float> embed_question(std::string_view text) const { return embed(text); }
};

std::unique_ptr<Embedder> make_hashed_embedder(std::size_t dimensions = 384);

}  // namespace ac::search
