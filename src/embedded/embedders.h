#pragma once
// The embedders that need no server and no download at run time, behind both ports: that of the
// model service, which batches and counts tokens, and that of search, which Memory indexes with.

#include <memory>

#include "async/thread_pool.h"
#include "embedded/e5_encoder.h"
#include "models/embedder.h"
#include "search/embedder.h"

namespace ac::embedded {

inline constexpr const char* kE5Model = "multilingual-e5-small";
inline constexpr const char* kHashedModel = "hashed-ngrams";

// `encoder` and `pool` outlive them.
std::unique_ptr<models::Embedder> make_e5_embedder(const E5Encoder& encoder, ThreadPool& pool);
std::unique_ptr<search::Embedder> make_e5_search_embedder(const E5Encoder& encoder);

// The one that is always there: character n-grams, no meaning (search/embedder.h).
std::unique_ptr<models::Embedder> make_hashed_model_embedder();

}  // namespace ac::embedded
