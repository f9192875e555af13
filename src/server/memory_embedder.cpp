#include "server/memory_embedder.h"

namespace ac::server {
namespace {

class E5TextEmbedder final : public search::Embedder {
  public:
    explicit E5TextEmbedder(const embedded::E5Encoder& encoder) : encoder_(encoder) {}

    std::size_t dimensions() const override { return encoder_.dimensions(); }
    std::vector<float> embed(std::string_view text) const override {
        return encoder_.embed(text, embedded::E5Purpose::passage).vector;
    }
    std::vector<float> embed_question(std::string_view text) const override {
        return encoder_.embed(text, embedded::E5Purpose::query).vector;
    }

  private:
    const embedded::E5Encoder& encoder_;
};

}  // namespace

Result<std::unique_ptr<search::Embedder>> open_memory_embedder(const std::string& name,
                                                               const embedded::E5Source* source) {
    if (name.empty()) return nullptr;
    if (name == embedded::kHashedModel) return search::make_hashed_embedder();
    if (source == nullptr)
        return fail(ErrorCode::invalid_argument,
                    "memory.embedding: " + name + " needs models.embedded.enabled");
    auto encoder = source->get();
    if (!encoder)
        return fail(encoder.error().code,
                    "memory.embedding: " + name + ": " + encoder.error().message);
    return std::make_unique<E5TextEmbedder>(**encoder);
}

}  // namespace ac::server
