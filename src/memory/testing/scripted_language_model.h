#pragma once
// For tests: answers what it was told to, in order, and keeps what it was asked.

#include <deque>
#include <vector>

#include "memory/language_model.h"

namespace ac::memory::testing {

class ScriptedLanguageModel final : public LanguageModel {
  public:
    Task<std::string> answer(ModelRequest request) override {
        asked.push_back(std::move(request));
        if (answers.empty())
            co_return fail(ErrorCode::unavailable, "the script has no further answer");
        auto next = std::move(answers.front());
        answers.pop_front();
        co_return next;
    }
    bool is_capable(const std::string& model) const override { return model == "capable"; }

    std::deque<Result<std::string>> answers;
    std::vector<ModelRequest> asked;
};

}  // namespace ac::memory::testing
