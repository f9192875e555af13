#pragma once
// The models that are always there, as the provider "embedded": a chat model served by a guest, and
// an embedder in this process. What is not installed is left out; calls then say what to install.

#include <memory>

#include "async/thread_pool.h"
#include "embedded/embedders.h"
#include "embedded/llama_server.h"
#include "embedded/model_store.h"
#include "models/config.h"
#include "models/model_service.h"
#include "server/config.h"

namespace ac::server {

inline constexpr const char* kEmbeddedProvider = "embedded";

class EmbeddedModels final {
  public:
    // All outlive it.
    struct Parts {
        const Config& config;
        sandbox::Sandbox& sandbox;
        Timer& timer;
        ThreadPool& pool;
        Loop& loop;
    };
    explicit EmbeddedModels(Parts parts);

    // Once. It must not outlive this.
    models::Provider provider();
    // The routes of `config` with this provider as the default where none is named.
    static models::ModelsConfig with_defaults(models::ModelsConfig config);
    const embedded::E5Source& encoder() const { return encoder_; }
    // Before the sandbox goes.
    Task<> stop() { return server_.stop(); }

  private:
    const Parts parts_;
    const std::filesystem::path installed_;
    const embedded::ModelStore store_;
    const embedded::E5Source encoder_;
    embedded::LlamaServer server_;
};

}  // namespace ac::server
