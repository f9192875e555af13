#pragma once
// The chat models of one data folder: GGUF files that the operator added, a registry of them, and
// which is the default; beside them the model that came with the installation. The command line
// writes, the daemon reads (docs/formats/models-folder.md).

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "embedded/gguf.h"

namespace ac::embedded {

struct StoredModel {
    std::string name;
    std::filesystem::path path;
    std::uint64_t bytes = 0;
    std::string sha256;  // empty of the installed one, which its package's hash vouches for
    std::string architecture;
    std::string title;
    bool is_installed = false;  // came with the installation
    bool is_default = false;
};

class ModelStore final {
  public:
    // `folder` is DATA_DIR/models; `installed` holds chat/*.gguf and need not exist.
    ModelStore(std::filesystem::path folder, std::filesystem::path installed)
        : folder_(std::move(folder)), installed_(std::move(installed)) {}

    // By name; the installed ones too. unavailable: the registry cannot be read.
    Result<std::vector<StoredModel>> list() const;
    // Copies and checks it. The first model added becomes the default. invalid_argument: it is no
    // chat model, or the name is none; already_exists; not_found.
    Result<StoredModel> add(const std::filesystem::path& file, std::string name);
    // not_found; invalid_argument of an installed one. If it was the default, the installed one is.
    Result<> remove(const std::string& name);
    Result<> set_default(const std::string& name);

    // The default one. not_found with what to do.
    Result<StoredModel> chosen() const;

  private:
    struct Registry {
        std::string chosen;
        std::vector<StoredModel> models;
    };
    Result<Registry> read() const;
    Result<> write(const Registry& registry) const;
    std::vector<StoredModel> installed_models() const;

    const std::filesystem::path folder_;
    const std::filesystem::path installed_;
};

// "my-model.Q4_K_M.gguf" is "my-model.Q4_K_M".
std::string model_name_of(const std::filesystem::path& file);
bool is_model_name(std::string_view name);

// Where an installation keeps engine and models, seen from the folder of the running program:
// PREFIX/share/agentcored/models, or build/models in a source tree. Empty: nowhere.
std::filesystem::path find_installed_models(const std::filesystem::path& program_folder);

}  // namespace ac::embedded
