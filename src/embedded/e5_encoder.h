#pragma once
// multilingual-e5-small in this process: a BERT of 12 layers and 384 dimensions, some 7 ms for a
// sentence of 64 tokens on one core with AVX-512 (docs/reference/performance.md). Texts in about a
// hundred languages land near others of the same meaning, whatever the language.

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "embedded/e5_kernels.h"

namespace ac::embedded {

// The model was trained with these: what is searched for, and what is searched in.
enum class E5Purpose { query, passage };

struct E5Embedding {
    std::vector<float> vector;  // of length 1
    std::size_t tokens = 0;     // with those of the purpose and of the ends
};

// Thread-safe.
class E5Encoder {
  public:
    virtual ~E5Encoder() = default;
    virtual std::size_t dimensions() const = 0;
    // A text longer than kE5TextTokensMax is embedded by its beginning; one longer than what the
    // model reads at once, by the mean of its parts.
    virtual E5Embedding embed(std::string_view text, E5Purpose purpose) const = 0;
};

// About 4 KiB tokens are 16 KiB of English: a memory record's bound.
inline constexpr std::size_t kE5TextTokensMax = 4096;

// not_found; invalid_argument: it is no such file.
Result<std::unique_ptr<E5Encoder>> open_e5(const std::filesystem::path& path, Isa isa = best_isa());

// Opens its file when it is first asked for, which takes a quarter of a second and 100 MB: a daemon
// that embeds nothing starts without. Thread-safe.
class E5Source final {
  public:
    explicit E5Source(std::filesystem::path path) : path_(std::move(path)) {}
    // Blocks while it is opened. Errors of open_e5(), the same ones every time.
    Result<const E5Encoder*> get() const;

  private:
    const std::filesystem::path path_;
    mutable std::once_flag once_;
    mutable std::optional<Result<std::unique_ptr<E5Encoder>>> opened_;
};

}  // namespace ac::embedded
