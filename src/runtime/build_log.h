#pragma once
// What happened in one build: our own notes and the tools' output, in a bounded file whose newest
// part is kept at hand for failureReason.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.h"
#include "runtime/limits.h"

namespace ac::runtime {

class BuildLog final {
  public:
    // Starts anew. Without a file (disk full) only the tail is kept.
    BuildLog(const std::filesystem::path& file, const RuntimeLimits& limits);

    void note(std::string_view line);  // "== line"
    void add(std::string_view output);
    const std::string& tail() const { return tail_; }

  private:
    void write(std::string_view text);

    UniqueFd file_;
    std::uint64_t room_;
    std::size_t tail_max_;
    std::string tail_;
};

}  // namespace ac::runtime
