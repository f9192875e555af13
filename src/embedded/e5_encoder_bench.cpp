// Time to embed a text of 64 tokens on one core, for each instruction set.
// The model is the one that ./dev setup installs; run from the root of the tree.

#include <benchmark/benchmark.h>

#include "embedded/e5_encoder.h"

namespace {

using ac::embedded::Isa;

constexpr const char* kModel = "build/models/embedding/multilingual-e5-small.q4.bin";

void embed_64_tokens(benchmark::State& state, Isa isa) {
    const auto encoder = ac::embedded::open_e5(kModel, isa);
    if (!encoder) {
        state.SkipWithError(encoder.error().message.c_str());
        return;
    }
    constexpr std::string_view kText =
        "The user prefers window seats on long flights and wants vegetarian meals, but on short "
        "trips she does not care; last month she booked a hotel in Busan near the beach and asked "
        "for a late checkout because the train back to Seoul leaves in the evening after six";
    std::size_t tokens = 0;
    for (auto _ : state) {
        auto embedding = (*encoder)->embed(kText, ac::embedded::E5Purpose::passage);
        tokens = embedding.tokens;
        benchmark::DoNotOptimize(embedding.vector.data());
    }
    state.counters["tokens"] = static_cast<double>(tokens);
}

BENCHMARK_CAPTURE(embed_64_tokens, avx512, Isa::avx512)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(embed_64_tokens, avx2, Isa::avx2)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(embed_64_tokens, generic, Isa::generic)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
