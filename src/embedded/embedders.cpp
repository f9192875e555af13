#include "embedded/embedders.h"

#include <fmt/format.h>

#include <functional>

#include "search/embedder.h"
#include "search/tokenizer.h"

namespace ac::embedded {
namespace {

using models::Embeddings;
using models::EmbedPurpose;
using models::EmbedRequest;

Result<> check_dimensions(const EmbedRequest& request, std::size_t own, std::string_view model) {
    if (!request.dimensions || *request.dimensions == own) return {};
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{} makes vectors of {} dimensions, not {}", model, own, *request.dimensions));
}

class E5Embedder final : public models::Embedder {
  public:
    E5Embedder(const E5Source& source, ThreadPool& pool) : source_(source), pool_(pool) {}

    const std::string& model() const override { return model_; }
    std::size_t dimensions() const override { return kE5Dimensions; }

    // Text by text, so that a large batch keeps one thread busy and not the whole pool, and ends
    // soon after its caller has gone.
    Task<Embeddings> embed(const EmbedRequest& request, SteadyTime) override {
        AC_CO_CHECK(check_dimensions(request, dimensions(), model_));
        const auto purpose =
            request.purpose == EmbedPurpose::query ? E5Purpose::query : E5Purpose::passage;
        Embeddings out;
        for (const std::string& text : request.texts) {
            // `text` lives until the work is done: the wait is not cut short.
            auto work = [this, purpose, &text]() -> Result<E5Embedding> {
                AC_TRY(const E5Encoder* const encoder, source_.get());
                return encoder->embed(text, purpose);
            };
            AC_CO_TRY(E5Embedding one, co_await pool_.run(std::move(work)));
            out.input_tokens += static_cast<std::int64_t>(one.tokens);
            out.vectors.push_back(std::move(one.vector));
        }
        co_return out;
    }

  private:
    const E5Source& source_;
    ThreadPool& pool_;
    const std::string model_ = kE5Model;
};

class HashedEmbedder final : public models::Embedder {
  public:
    const std::string& model() const override { return model_; }
    std::size_t dimensions() const override { return hashed_->dimensions(); }

    Task<Embeddings> embed(const EmbedRequest& request, SteadyTime) override {
        AC_CO_CHECK(check_dimensions(request, dimensions(), model_));
        Embeddings out;
        for (const std::string& text : request.texts) {
            out.input_tokens += static_cast<std::int64_t>(search::split_words(text).size());
            out.vectors.push_back(hashed_->embed(text));
        }
        co_return out;
    }

  private:
    const std::unique_ptr<search::Embedder> hashed_ = search::make_hashed_embedder();
    const std::string model_ = kHashedModel;
};

}  // namespace

std::unique_ptr<models::Embedder> make_e5_embedder(const E5Source& source, ThreadPool& pool) {
    return std::make_unique<E5Embedder>(source, pool);
}

std::unique_ptr<models::Embedder> make_hashed_model_embedder() {
    return std::make_unique<HashedEmbedder>();
}

}  // namespace ac::embedded
