#include "embedded/e5_encoder.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "embedded/e5_file.h"
#include "embedded/e5_tokenizer.h"

namespace ac::embedded {
namespace {

using Floats = std::vector<float>;

struct Norm {
    Floats weight;
    Floats bias;
};

struct Layer {
    ByteMatrix query, key, value, attention_out, feed_in, feed_out;
    Norm attention_norm, feed_norm;
};

// Reads the named parts of the file.
class Parts final {
  public:
    explicit Parts(const E5Contents& contents) : contents_(contents) {}

    Result<Floats> floats(const std::string& name, std::size_t count) const {
        AC_TRY(const auto tensor, contents_.tensor(name, E5Tensor::Kind::float32, count));
        Floats out(count);
        std::memcpy(out.data(), tensor.bytes.data(), tensor.bytes.size());
        for (const float value : out)
            if (!std::isfinite(value))
                return fail(ErrorCode::invalid_argument, name + " has a value that is no number");
        return out;
    }
    Result<ByteMatrix> matrix(const std::string& name, std::size_t rows,
                              std::size_t columns) const {
        AC_TRY(const auto tensor,
               contents_.tensor(name + ".w", E5Tensor::Kind::q4, rows * columns));
        AC_TRY(const Floats bias, floats(name + ".b", rows));
        Floats weights(rows * columns);
        unpack_q4(tensor.bytes, weights.size(), weights.data());
        return ByteMatrix(weights.data(), bias.data(), rows, columns);
    }
    Result<Norm> norm(const std::string& name) const {
        Norm out;
        AC_TRY(out.weight, floats(name + ".w", contents_.shape.hidden));
        AC_TRY(out.bias, floats(name + ".b", contents_.shape.hidden));
        return out;
    }
    Result<Layer> layer(std::size_t index) const {
        const std::string prefix = fmt::format("l{}.", index);
        const std::size_t hidden = contents_.shape.hidden;
        const std::size_t wide = contents_.shape.feed_forward;
        AC_TRY(ByteMatrix query, matrix(prefix + "q", hidden, hidden));
        AC_TRY(ByteMatrix key, matrix(prefix + "k", hidden, hidden));
        AC_TRY(ByteMatrix value, matrix(prefix + "v", hidden, hidden));
        AC_TRY(ByteMatrix attention_out, matrix(prefix + "ao", hidden, hidden));
        AC_TRY(ByteMatrix feed_in, matrix(prefix + "fi", wide, hidden));
        AC_TRY(ByteMatrix feed_out, matrix(prefix + "fo", hidden, wide));
        AC_TRY(Norm attention_norm, norm(prefix + "aln"));
        AC_TRY(Norm feed_norm, norm(prefix + "oln"));
        return Layer{std::move(query),          std::move(key),      std::move(value),
                     std::move(attention_out),  std::move(feed_in),  std::move(feed_out),
                     std::move(attention_norm), std::move(feed_norm)};
    }

  private:
    const E5Contents& contents_;
};

// What one pass works in.
struct Workspace {
    Floats x, query, key, value, context, wide, out, scratch;
    ByteRows bytes;

    void resize(std::size_t tokens, const E5Shape& shape) {
        for (Floats* rows : {&x, &query, &key, &value, &context, &out})
            rows->resize(tokens * shape.hidden);
        wide.resize(tokens * shape.feed_forward);
        scratch.resize(attend_scratch(tokens, shape.hidden / shape.heads));
    }
};

class Encoder final : public E5Encoder {
  public:
    struct Weights {
        Bytes words;  // 4 bits a value: a table, not a matrix to multiply with
        Floats positions, type;
        Norm norm;
        std::vector<Layer> layers;
    };

    Encoder(std::unique_ptr<MappedFile> file, E5Contents contents, Weights weights,
            const Kernels& kernels)
        : file_(std::move(file)),
          shape_(contents.shape),
          tokenizer_(std::move(contents.vocabulary)),
          weights_(std::move(weights)),
          kernels_(kernels) {}

    std::size_t dimensions() const override { return shape_.hidden; }
    E5Embedding embed(std::string_view text, E5Purpose purpose) const override;

  private:
    void look_up(std::span<const std::uint32_t> tokens, Workspace& space) const;
    void run(const Layer& layer, std::size_t tokens, Workspace& space) const;
    void attend(std::size_t tokens, Workspace& space) const;
    // Adds the sum over `tokens` of the last layer's rows to `sum`.
    void pass(std::span<const std::uint32_t> tokens, Workspace& space, Floats& sum) const;

    const std::unique_ptr<MappedFile> file_;
    const E5Shape shape_;
    const E5Tokenizer tokenizer_;
    const Weights weights_;
    const Kernels& kernels_;
};

void Encoder::look_up(std::span<const std::uint32_t> tokens, Workspace& space) const {
    const std::size_t hidden = shape_.hidden;
    const std::size_t row_bytes = hidden / kQ4Block * kQ4BlockBytes;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
        float* const row = space.x.data() + t * hidden;
        unpack_q4(weights_.words.subspan(tokens[t] * row_bytes, row_bytes), hidden, row);
        const float* const position = weights_.positions.data() + t * hidden;
        for (std::size_t i = 0; i < hidden; ++i) row[i] += position[i] + weights_.type[i];
    }
    kernels_.normalise(space.x.data(), nullptr, weights_.norm.weight.data(),
                       weights_.norm.bias.data(), tokens.size(), hidden, shape_.epsilon);
}

void Encoder::attend(std::size_t tokens, Workspace& space) const {
    const std::size_t width = shape_.hidden / shape_.heads;
    for (std::size_t head = 0; head < shape_.heads; ++head) {
        const std::size_t at = head * width;
        kernels_.attend(space.query.data() + at, space.key.data() + at, space.value.data() + at,
                        space.context.data() + at, tokens, width, shape_.hidden,
                        space.scratch.data());
    }
}

void Encoder::run(const Layer& layer, std::size_t tokens, Workspace& space) const {
    const std::size_t hidden = shape_.hidden;
    const Kernels& k = kernels_;
    float* const x = space.x.data();
    k.quantise(x, tokens, hidden, space.bytes);
    k.multiply(layer.query, space.bytes, tokens, space.query.data());
    k.multiply(layer.key, space.bytes, tokens, space.key.data());
    k.multiply(layer.value, space.bytes, tokens, space.value.data());
    attend(tokens, space);
    k.quantise(space.context.data(), tokens, hidden, space.bytes);
    k.multiply(layer.attention_out, space.bytes, tokens, space.out.data());
    k.normalise(x, space.out.data(), layer.attention_norm.weight.data(),
                layer.attention_norm.bias.data(), tokens, hidden, shape_.epsilon);
    k.quantise(x, tokens, hidden, space.bytes);
    k.multiply(layer.feed_in, space.bytes, tokens, space.wide.data());
    k.gelu(space.wide.data(), tokens * shape_.feed_forward);
    k.quantise(space.wide.data(), tokens, shape_.feed_forward, space.bytes);
    k.multiply(layer.feed_out, space.bytes, tokens, space.out.data());
    k.normalise(x, space.out.data(), layer.feed_norm.weight.data(), layer.feed_norm.bias.data(),
                tokens, hidden, shape_.epsilon);
}

void Encoder::pass(std::span<const std::uint32_t> tokens, Workspace& space, Floats& sum) const {
    space.resize(tokens.size(), shape_);
    look_up(tokens, space);
    for (const Layer& layer : weights_.layers) run(layer, tokens.size(), space);
    for (std::size_t t = 0; t < tokens.size(); ++t)
        for (std::size_t i = 0; i < shape_.hidden; ++i) sum[i] += space.x[t * shape_.hidden + i];
}

E5Embedding Encoder::embed(std::string_view text, E5Purpose purpose) const {
    std::string marked(purpose == E5Purpose::query ? "query: " : "passage: ");
    marked += text;
    const auto content = tokenizer_.encode(marked, kE5TextTokensMax);
    const std::size_t at_once = shape_.positions - 2;
    E5Embedding out{.vector = Floats(shape_.hidden), .tokens = content.size() + 2};
    Workspace space;
    std::vector<std::uint32_t> tokens;
    std::size_t at = 0;
    do {
        const std::size_t count = std::min(at_once, content.size() - at);
        tokens.assign(1, tokenizer_.begin());
        const auto from = content.begin() + static_cast<std::ptrdiff_t>(at);
        tokens.insert(tokens.end(), from, from + static_cast<std::ptrdiff_t>(count));
        tokens.push_back(tokenizer_.end());
        pass(tokens, space, out.vector);
        at += count;
    } while (at < content.size());
    float length = 0;
    for (const float value : out.vector) length += value * value;
    const float scale = length > 0 ? 1 / std::sqrt(length) : 0;
    for (float& value : out.vector) value *= scale;
    return out;
}

}  // namespace

Result<std::unique_ptr<E5Encoder>> open_e5(const std::filesystem::path& path, Isa isa) {
    AC_TRY(auto file, MappedFile::open(path));
    AC_TRY(E5Contents contents, parse_e5(file->bytes()));
    const E5Shape& shape = contents.shape;
    const Parts parts(contents);
    Encoder::Weights weights;
    AC_TRY(const auto words, contents.tensor("emb.word", E5Tensor::Kind::q4,
                                             std::size_t{shape.vocabulary} * shape.hidden));
    weights.words = words.bytes;
    AC_TRY(weights.positions, parts.floats("emb.pos", std::size_t{shape.positions} * shape.hidden));
    // The first of two token types; texts here have one part.
    AC_TRY(weights.type, parts.floats("emb.type", std::size_t{2} * shape.hidden));
    AC_TRY(weights.norm, parts.norm("emb.ln"));
    for (std::size_t i = 0; i < shape.layers; ++i) {
        AC_TRY(Layer layer, parts.layer(i));
        weights.layers.push_back(std::move(layer));
    }
    return std::make_unique<Encoder>(std::move(file), std::move(contents), std::move(weights),
                                     kernels(isa));
}

Result<const E5Encoder*> E5Source::get() const {
    std::call_once(once_, [this] { opened_ = open_e5(path_); });
    if (!*opened_) return fail(opened_->error());
    return opened_->value().get();
}

}  // namespace ac::embedded
