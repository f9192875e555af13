#pragma once
// Satisfies Memory's port of a language model with the models that the daemon has.

#include "memory/language_model.h"
#include "models/service.h"

namespace ac::server {

class MemoryModel final : public memory::LanguageModel {
  public:
    // `models` outlives this.
    explicit MemoryModel(models::ModelService& models) : models_(models) {}

    Task<std::string> answer(memory::ModelRequest request) override;
    // The embedded default is there so that agents run at once; it is too small for this work. It
    // is used when the configuration names it.
    bool is_capable(const std::string& model) const override;

  private:
    models::ModelService& models_;
};

}  // namespace ac::server
