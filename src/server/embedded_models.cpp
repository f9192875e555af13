#include "server/embedded_models.h"

#include <thread>

#include "embedded/embedded_chat.h"
#include "models/openai_model.h"

namespace ac::server {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEmbeddingFile = "embedding/multilingual-e5-small.q4.bin";

fs::path installed_folder(const Config& config) {
    if (!config.embedded.folder.empty()) return config.embedded.folder;
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    return embedded::find_installed_models(program.parent_path());
}

embedded::ChooseModel choose_from(const embedded::ModelStore& store, const fs::path& installed) {
    return [&store, &installed]() -> Result<fs::path> {
        if (installed.empty())
            return fail(ErrorCode::not_found,
                        "the embedded models are not installed: run ./dev setup in the source "
                        "tree, or set models.embedded.folder");
        AC_TRY(const auto chosen, store.chosen());
        return chosen.path;
    };
}

}  // namespace

EmbeddedModels::EmbeddedModels(Parts parts)
    : parts_(parts),
      installed_(installed_folder(parts.config)),
      store_(parts.config.data_dir / "models", installed_),
      encoder_(installed_ / kEmbeddingFile),
      server_({parts.sandbox, parts.timer, parts.loop.executor()},
              embedded::llama_options(parts.config.embedded, installed_,
                                      std::thread::hardware_concurrency()),
              choose_from(store_, installed_)) {}

models::Provider EmbeddedModels::provider() {
    models::Provider provider{.name = kEmbeddedProvider};
    // The server reads long prompts on few processors.
    provider.limits.first_byte_timeout = Seconds{300};
    provider.limits.idle_timeout = Seconds{120};
    provider.limits.attempts_max = 1;
    auto client = models::make_openai_chat(
        models::make_connector_upstream(server_, parts_.timer, "/v1"), nullptr,
        {.name = kEmbeddedProvider, .limits = provider.limits}, parts_.timer.clock());
    embedded::EmbeddedChatDefaults defaults;
    defaults.max_tokens = parts_.config.embedded.answer_tokens_max;
    provider.chat = embedded::make_embedded_chat(server_, std::move(client), std::move(defaults));
    provider.embedder = installed_.empty() ? embedded::make_hashed_model_embedder()
                                           : embedded::make_e5_embedder(encoder_, parts_.pool);
    return provider;
}

models::ModelsConfig EmbeddedModels::with_defaults(models::ModelsConfig config) {
    const models::Target target{.provider = kEmbeddedProvider, .model = {}};
    if (config.default_chat.empty()) config.default_chat = {target};
    if (config.default_embedding.empty()) config.default_embedding = {target};
    return config;
}

}  // namespace ac::server
