// Searches in one space of made-up conversations: time of one search, and how many of the ten best
// of a search without bounds it finds, by words alone and with vectors of 384 dimensions (the graph
// of a million takes a quarter of an hour to make). Words are drawn by Zipf's law from a vocabulary
// with English-like endings, so that n-grams are as unevenly frequent as in real text.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cmath>
#include <ctime>
#include <memory>
#include <random>
#include <set>
#include <tuple>

#include "search/embedder.h"
#include "search/index.h"

namespace ac::search {
namespace {

class Conversation {
  public:
    Conversation() {
        static constexpr const char* kSyllables[] = {
            "ba",  "con", "der", "est", "fla", "gri", "hol", "ina", "jum", "ker",
            "lan", "mor", "nes", "oth", "pla", "qui", "ran", "sto", "ter", "und",
            "ver", "win", "xa",  "yel", "zor", "chi", "sha", "thu"};
        static constexpr const char* kEndings[] = {"",    "",   "",   "s",   "ed",
                                                   "ing", "er", "ly", "tion"};
        std::set<std::string> known;
        while (words_.size() < kVocabulary) {
            std::string word;
            for (auto left = 1 + engine_() % 3; left > 0; --left)
                word += kSyllables[engine_() % std::size(kSyllables)];
            word += kSyllables[engine_() % std::size(kSyllables)][0];
            word += kEndings[engine_() % std::size(kEndings)];
            if (known.insert(word).second) words_.push_back(word);
        }
        double sum = 0;
        for (std::size_t rank = 0; rank < kVocabulary; ++rank)
            cumulated_.push_back(sum += 1 / (8.0 + static_cast<double>(rank)));
    }

    std::string text(std::size_t words) {
        std::string out;
        for (std::size_t i = 0; i < words; ++i) out += word() + " the ";
        return out;
    }
    std::string turn() { return text(4 + engine_() % 16); }
    // Some words of a turn, one of another.
    std::string question(const std::string& turn) {
        std::string out = "What did you say about ";
        std::size_t taken = 0;
        for (std::size_t at = 0; at < turn.size() && taken < 4;) {
            const auto end = turn.find(' ', at);
            const auto found = turn.substr(at, end - at);
            if (found != "the" && engine_() % 3 == 0) {
                out += found + " ";
                ++taken;
            }
            at = end + 1;
        }
        return out + word();
    }

  private:
    static constexpr std::size_t kVocabulary = 30'000;

    const std::string& word() {
        std::uniform_real_distribution<double> draw(0, cumulated_.back());
        const auto at = std::ranges::lower_bound(cumulated_, draw(engine_));
        return words_[static_cast<std::size_t>(at - cumulated_.begin())];
    }

    std::mt19937 engine_{7};
    std::vector<std::string> words_;
    std::vector<double> cumulated_;
};

struct Filled {
    std::unique_ptr<Embedder> embedder;
    std::unique_ptr<Index> index;
    std::unique_ptr<Index> exact;
    std::vector<std::string> questions;
    double bytes = 0;
};

std::set<Key> found_by(const Index& index, const std::string& question) {
    std::set<Key> out;
    for (const auto& hit : index.search({.text = question})) out.insert(hit.key);
    return out;
}

double cpu_ms() {
    return 1000.0 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

Filled fill(std::size_t documents, bool with_vectors, bool with_exact) {
    constexpr std::size_t kQuestions = 200;
    Filled out;
    if (with_vectors) out.embedder = make_hashed_embedder();
    Tuning exact;
    exact.postings_max = exact.graph_from = ~std::size_t{0};
    const auto before = mallinfo2();
    out.index = make_index(out.embedder.get());
    if (with_exact) out.exact = make_index(out.embedder.get(), exact);
    Conversation conversation;
    for (std::size_t i = 0; i < documents; ++i) {
        const auto turn = conversation.turn();
        if (i % (documents / kQuestions) == 0) out.questions.push_back(conversation.question(turn));
        const auto time = static_cast<std::int64_t>(i / 20 * 3'600'000 + i % 20 * 20'000);
        const Document document{
            .key = static_cast<Key>(i), .space = "/bench", .text = turn, .time_ms = time};
        out.index->put(document);
        if (out.exact) out.exact->put(document);
    }
    (void)found_by(*out.index, out.questions.front());
    const auto after = mallinfo2();
    out.bytes =
        static_cast<double>(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) /
        static_cast<double>(documents) / (with_exact ? 2 : 1);
    return out;
}

void search(benchmark::State& state, bool with_vectors) {
    const auto documents = static_cast<std::size_t>(state.range(0));
    const bool with_exact = state.range(1) != 0;
    // A benchmark is called again until its time is certain; filling takes much longer than that.
    static std::tuple<std::size_t, bool, Filled> last;
    if (std::get<0>(last) != documents || std::get<1>(last) != with_vectors)
        last = {documents, with_vectors, fill(documents, with_vectors, with_exact)};
    const auto& filled = std::get<2>(last);
    std::size_t next = 0;
    for (auto _ : state) {
        const auto& question = filled.questions[next++ % filled.questions.size()];
        benchmark::DoNotOptimize(filled.index->search({.text = question}));
    }
    state.counters["bytes a record"] = filled.bytes;
    std::vector<double> times;
    for (const auto& question : filled.questions) {
        const auto began = cpu_ms();
        benchmark::DoNotOptimize(filled.index->search({.text = question}));
        times.push_back(cpu_ms() - began);
    }
    std::ranges::sort(times);
    state.counters["CPU ms p50"] = times[times.size() / 2];
    state.counters["CPU ms p99"] = times[times.size() * 99 / 100];
    if (!with_exact) return;
    double kept = 0;
    double wanted = 0;
    for (const auto& question : filled.questions) {
        const auto exact = found_by(*filled.exact, question);
        wanted += static_cast<double>(exact.size());
        for (const auto key : found_by(*filled.index, question))
            kept += exact.contains(key) ? 1 : 0;
    }
    state.counters["recall@10"] = kept / wanted;
}

BENCHMARK_CAPTURE(search, text, false)
    ->Args({10'000, 1})
    ->Args({100'000, 1})
    ->Args({1'000'000, 1})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(search, text_and_vectors, true)
    ->Args({10'000, 1})
    ->Args({100'000, 1})
    ->Args({1'000'000, 1})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ac::search

BENCHMARK_MAIN();
