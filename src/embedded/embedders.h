#pragma once
// The embedders that need no server and no download at run time, behind the port of the model
// service.

#include <memory>

#include "async/thread_pool.h"
#include "embedded/e5_encoder.h"
#include "models/embedder.h"

namespace ac::embedded {

inline constexpr const char* kE5Model = "multilingual-e5-small";
inline constexpr std::size_t kE5Dimensions = 384;
inline constexpr const char* kHashedModel = "hashed-ngrams";

// `source` and `pool` outlive it. A file that cannot be opened is the error of every call.
std::unique_ptr<models::Embedder> make_e5_embedder(const E5Source& source, ThreadPool& pool);

// The one that is always there: character n-grams, no meaning (search/embedder.h).
std::unique_ptr<models::Embedder> make_hashed_model_embedder();

}  // namespace ac::embedded
