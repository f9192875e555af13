#pragma once
// The packed file of multilingual-e5-small: tokenizer tables, 4-bit weights, vectors
// (docs/formats/e5-model.md). Parsing checks every bound, so that a damaged or hostile file is an
// error and nothing else; what it gives are views into the file's bytes.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ac::embedded {

using Bytes = std::span<const std::uint8_t>;

struct E5Shape {
    std::uint32_t hidden = 0;
    std::uint32_t layers = 0;
    std::uint32_t heads = 0;
    std::uint32_t feed_forward = 0;
    std::uint32_t vocabulary = 0;
    std::uint32_t positions = 0;
    float epsilon = 0;
};

struct E5Vocabulary {
    std::vector<std::string_view> pieces;
    std::vector<float> scores;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    std::uint32_t pad = 0;
    std::uint32_t unknown = 0;
    // What a code point becomes before pieces are looked for.
    std::map<std::uint32_t, std::vector<std::uint32_t>> normalised;
};

struct E5Tensor {
    enum class Kind : std::uint8_t { float32, q4 };
    Kind kind = Kind::float32;
    std::size_t count = 0;  // of values
    Bytes bytes;
};

// 4 bits a value: blocks of 32, each a float16 scale and 16 bytes (low halves first).
inline constexpr std::size_t kQ4Block = 32;
inline constexpr std::size_t kQ4BlockBytes = 18;

struct E5Contents {
    E5Shape shape;
    E5Vocabulary vocabulary;
    std::map<std::string, E5Tensor, std::less<>> tensors;
    // not_found; invalid_argument when it is of another kind or size.
    Result<E5Tensor> tensor(std::string_view name, E5Tensor::Kind kind, std::size_t count) const;
};

// invalid_argument with what is wrong. The views live as long as `bytes`.
Result<E5Contents> parse_e5(Bytes bytes);

// One row of `count` values, a multiple of 32.
void unpack_q4(Bytes blocks, std::size_t count, float* out);

// A file mapped into memory, read-only.
class MappedFile final {
  public:
    static Result<std::unique_ptr<MappedFile>> open(const std::filesystem::path& path);
    ~MappedFile();
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    Bytes bytes() const { return bytes_; }

  private:
    explicit MappedFile(Bytes bytes) : bytes_(bytes) {}
    const Bytes bytes_;
};

}  // namespace ac::embedded
