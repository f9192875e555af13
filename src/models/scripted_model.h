#pragma once
// Performs a script as a chat model and an embedder (models/script.h). Without a rule that matches
// it answers model_failed and says so: a test whose script has a hole should fail.

#include <memory>

#include "async/timer.h"
#include "models/chat.h"
#include "models/embedder.h"
#include "models/script.h"

namespace ac::models {

// `timer` outlives the model.
std::unique_ptr<ChatModel> make_scripted_model(Script script, Timer& timer);
// Hashed words: the same text has the same vector, texts with words in common are near.
std::unique_ptr<Embedder> make_scripted_embedder(std::string model, std::size_t dimensions);

}  // namespace ac::models
