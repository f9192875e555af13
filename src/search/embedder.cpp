#include "search/embedder.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "search/tokenizer.h"

namespace ac::search {

namespace {

constexpr std::size_t kGramMin = 3;
constexpr std::size_t kGramMax = 5;

std::uint64_t hash(std::string_view text) {
    std::uint64_t h = 0xcbf29ce484222325;  // FNV-1a, then a finalizer for the low bits
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccd;
    return h ^ (h >> 33);
}

class HashedEmbedder final : public Embedder {
  public:
    explicit HashedEmbedder(std::size_t dimensions) : dimensions_(dimensions) {}

    std::size_t dimensions() const override { return dimensions_; }

    std::vector<float> embed(std::string_view text) const override {
        std::unordered_map<std::uint64_t, int> counts;
        for (const auto& word : split_words(text)) {
            if (word.is_wide) {
                const std::vector<Word> one{word};
                for (const auto& pair : terms_of(one)) ++counts[hash(pair)];
            } else if (!is_stop_word(word.text)) {
                count_grams('^' + word.text + '$', counts);
            }
        }
        std::vector<float> out(dimensions_);
        for (const auto& [gram, count] : counts) {
            const float sign = (gram >> 63) != 0 ? -1.0F : 1.0F;
            out[gram % dimensions_] += sign * std::sqrt(static_cast<float>(count));
        }
        normalise(out);
        return out;
    }

  private:
    static void count_grams(const std::string& word, std::unordered_map<std::uint64_t, int>& out) {
        for (std::size_t n = kGramMin; n <= kGramMax; ++n)
            for (std::size_t i = 0; i + n <= word.size(); ++i)
                ++out[hash(std::string_view(word).substr(i, n))];
    }

    static void normalise(std::vector<float>& v) {
        float sum = 0;
        for (const float x : v) sum += x * x;
        if (sum == 0) return;
        const float scale = 1 / std::sqrt(sum);
        for (float& x : v) x *= scale;
    }

    std::size_t dimensions_;
};

}  // namespace

std::unique_ptr<Embedder> make_hashed_embedder(std::size_t dimensions) {
    return std::make_unique<HashedEmbedder>(dimensions);
}

}  // namespace ac::search
