// The ten nearest of many vectors: a scan of all against a walk through the graph, and how many of
// the ten that two planes give each of them finds. Vectors of 384 dimensions around topics, as a
// sentence model's are.

#include <benchmark/benchmark.h>

#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <set>

#include "search/graph.h"

namespace ac::search {
namespace {

constexpr std::size_t kDimensions = 384;
constexpr std::size_t kTopics = 2000;
constexpr std::size_t kWidth = 400;

class Topics {
  public:
    std::vector<float> draw() {
        const auto topic = engine_() % kTopics;
        std::mt19937 of_topic(static_cast<unsigned>(topic));
        std::normal_distribution<float> shared;
        std::vector<float> out(kDimensions);
        float sum = 0;
        for (auto& x : out) {
            // What all texts share, what the topic's share, and what is the text's own.
            x = 0.5F + shared(of_topic) + 1.2F * own_(engine_);
            sum += x * x;
        }
        for (auto& x : out) x /= std::sqrt(sum);
        return out;
    }

  private:
    std::mt19937 engine_{7};
    std::normal_distribution<float> own_;
};

struct Filled {
    Vectors vectors{kDimensions};
    Graph graph;
    std::vector<std::vector<float>> queries;
};

const Filled& filled(std::size_t count) {
    static std::map<std::size_t, std::unique_ptr<Filled>> kept;
    auto& out = kept[count];
    if (out) return *out;
    out = std::make_unique<Filled>();
    Topics topics;
    for (std::size_t i = 0; i < count; ++i) {
        out->vectors.append(topics.draw());
        out->graph.link_next(out->vectors);
    }
    for (int i = 0; i < 100; ++i) out->queries.push_back(topics.draw());
    return *out;
}

void scan(benchmark::State& state) {
    const auto& all = filled(static_cast<std::size_t>(state.range(0)));
    std::vector<float> out(all.vectors.size());
    std::size_t next = 0;
    for (auto _ : state) {
        all.vectors.scan(all.queries[next++ % all.queries.size()], out);
        benchmark::DoNotOptimize(out.data());
    }
}

void walk(benchmark::State& state) {
    const auto& all = filled(static_cast<std::size_t>(state.range(0)));
    const auto any = [](std::uint32_t) { return true; };
    const auto nearest = [&](const std::vector<float>& query) {
        return all.graph.nearest(all.vectors, all.vectors.rounded(query), 10, kWidth, any);
    };
    std::size_t next = 0;
    for (auto _ : state)
        benchmark::DoNotOptimize(nearest(all.queries[next++ % all.queries.size()]));
    double kept = 0;
    for (const auto& query : all.queries) {
        std::set<std::uint32_t> exact;
        for (const auto& found : all.vectors.nearest(query, 10)) exact.insert(found.slot);
        for (const auto& found : nearest(query)) kept += exact.contains(found.slot) ? 1 : 0;
    }
    state.counters["recall@10"] = kept / static_cast<double>(10 * all.queries.size());
    state.counters["links' bytes"] =
        static_cast<double>(all.graph.bytes()) / static_cast<double>(all.vectors.size());
}

BENCHMARK(scan)->Arg(5'000)->Arg(20'000)->Arg(100'000)->Unit(benchmark::kMillisecond);
BENCHMARK(walk)->Arg(5'000)->Arg(20'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ac::search

BENCHMARK_MAIN();
