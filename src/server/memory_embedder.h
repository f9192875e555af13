#pragma once
// Satisfies Memory's port of an embedder with those in this process: records are then found
// by meaning too. memory.embedding chooses one.

#include <memory>
#include <string>

#include "embedded/embedders.h"
#include "search/embedder.h"

namespace ac::server {

// `name` passed parse_memory_config(); empty: nullptr. `source` outlives what is answered; nullptr:
// the embedded models are switched off. Errors of open_e5(): the model is not installed.
Result<std::unique_ptr<search::Embedder>> open_memory_embedder(const std::string& name,
                                                               const embedded::E5Source* source);

}  // namespace ac::server
