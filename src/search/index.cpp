#include "search/index.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "search/partition.h"
#include "search/tokenizer.h"

namespace ac::search {

namespace {

constexpr double kUnknownTermShare = 0.5;  // of the mean weight, for words that no document has

constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};

// "8 may 2023": a question that names a day finds what happened then.
std::string date_words(std::int64_t time_ms) {
    const std::time_t seconds = time_ms / 1000;
    std::tm parts{};
    if (gmtime_r(&seconds, &parts) == nullptr) return {};
    std::string out = " " + std::to_string(parts.tm_mday) + " ";
    out += kMonths[static_cast<std::size_t>(parts.tm_mon)];
    return out + " " + std::to_string(parts.tm_year + 1900);
}

double largest(std::span<const float> scores) {
    double out = 0;
    for (const float score : scores) out = std::max<double>(out, score);
    return out;
}

void add_share(std::span<const float> from, double best, double weight, std::span<float> to) {
    if (best <= 0) return;
    const auto scale = static_cast<float>(weight / best);
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i] * scale;
}

struct Candidate {
    double score = 0;
    Key key = 0;
};

// What of a query one kind of terms sees.
struct Terms {
    std::vector<WeightedTerm> weighted;
    double ideal = 0;  // the score of a document with all of them
    double length_average = 1;
};

// One query against one partition, by kind of evidence.
struct Part {
    const Partition* partition = nullptr;
    std::vector<float> words;
    std::vector<float> grams;
    std::vector<float> vectors;  // empty without an embedder
    std::vector<std::uint32_t> episode_of;
    std::vector<float> episodes;
};

struct Best {
    double words = 0;
    double grams = 0;
    double vectors = 0;
    double joined = 0;
    double episodes = 0;
};

class HybridIndex final : public Index {
  public:
    HybridIndex(const Embedder* embedder, Tuning tuning)
        : embedder_(embedder), tuning_(std::move(tuning)) {}

    void put(Document document) override;
    void remove(Key key) override;
    std::vector<Hit> search(const Query& query) const override;
    Statistics statistics() const override;

  private:
    struct Place {
        Partition* partition = nullptr;
        std::uint32_t slot = 0;
    };
    struct TermHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };

    TermId intern(const std::string& term);
    void remove_locked(Key key);
    std::vector<const Partition*> selected(const SpaceFilter& filter) const;
    // Terms of the query that no document has count in `ideal` with part of the mean weight.
    Terms weigh(const std::vector<TermId>& terms, std::size_t unknown,
                std::span<const Partition* const> partitions,
                const Postings& (Partition::*kind)() const, double k1) const;
    std::vector<Part> score(const Query& query, std::span<const Partition* const> partitions,
                            double& confidence) const;
    void score_one(const Terms& words, const Terms& grams, std::span<const float> vector,
                   Part& part, Best& best) const;
    std::vector<float> join(const Part& part, const Best& best) const;
    // So that spread() finds every partition in order without a writer's lock.
    void order_all() const;

    const Embedder* embedder_;
    Tuning tuning_;
    mutable std::shared_mutex mutex_;  // guards all below
    std::map<std::string, std::unique_ptr<Partition>, std::less<>> spaces_;
    std::unordered_map<std::string, TermId, TermHash, std::equal_to<>> vocabulary_;
    std::unordered_map<Key, Place> places_;
    mutable std::vector<Partition*> unordered_;
};

void HybridIndex::put(Document document) {
    const auto all = split_words(document.text + date_words(document.time_ms));
    const auto terms = terms_of(all);
    auto grams = grams_of(all);
    const auto vector = embedder_ ? embedder_->embed(document.text) : std::vector<float>();
    const std::unique_lock lock(mutex_);
    remove_locked(document.key);
    auto& partition = spaces_[document.space];
    if (!partition) partition = std::make_unique<Partition>(vector.size());
    std::vector<TermId> ids;
    ids.reserve(terms.size());
    for (const auto& term : terms) ids.push_back(intern(term));
    Partition::Added added{.key = document.key,
                           .time_ms = document.time_ms,
                           .words = std::move(ids),
                           .grams = std::move(grams),
                           .vector = vector};
    const bool was_ordered = partition->is_ordered();
    places_[document.key] = {partition.get(), partition->add(std::move(added))};
    if (was_ordered && !partition->is_ordered()) unordered_.push_back(partition.get());
}

TermId HybridIndex::intern(const std::string& term) {
    return vocabulary_.try_emplace(term, static_cast<TermId>(vocabulary_.size())).first->second;
}

void HybridIndex::remove(Key key) {
    const std::unique_lock lock(mutex_);
    remove_locked(key);
}

void HybridIndex::remove_locked(Key key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    auto* partition = found->second.partition;
    partition->remove(found->second.slot);
    places_.erase(found);
    if (partition->live() == 0) {
        std::erase(unordered_, partition);
        std::erase_if(spaces_, [&](const auto& item) { return item.second.get() == partition; });
        return;
    }
    partition->compact_when_sparse(
        [&](Key moved, std::uint32_t slot) { places_[moved] = {partition, slot}; });
}

std::vector<const Partition*> HybridIndex::selected(const SpaceFilter& filter) const {
    std::vector<const Partition*> out;
    if (filter.kind == SpaceFilter::Kind::exact) {
        if (const auto found = spaces_.find(filter.space); found != spaces_.end())
            out.push_back(found->second.get());
        return out;
    }
    for (const auto& [space, partition] : spaces_)
        if (filter.matches(space)) out.push_back(partition.get());
    return out;
}

Terms HybridIndex::weigh(const std::vector<TermId>& terms, std::size_t unknown,
                         std::span<const Partition* const> partitions,
                         const Postings& (Partition::*kind)() const, double k1) const {
    Terms out;
    double documents = 0;
    double length = 0;
    for (const auto* partition : partitions) {
        documents += static_cast<double>(partition->slots());
        length += static_cast<double>((partition->*kind)().length_sum());
    }
    out.length_average = std::max(1.0, length / std::max(1.0, documents));
    std::map<TermId, int> counts;
    for (const auto term : terms) ++counts[term];
    double sum = 0;
    for (const auto& [term, count] : counts) {
        double frequency = 0;
        for (const auto* partition : partitions)
            frequency += static_cast<double>((partition->*kind)().frequency(term));
        if (frequency == 0) {
            unknown += static_cast<std::size_t>(count);
            continue;
        }
        const double idf = std::log(1 + (documents - frequency + 0.5) / (frequency + 0.5));
        out.weighted.push_back({term, idf * count});
        sum += idf * count;
    }
    const double mean = out.weighted.empty() ? 0 : sum / static_cast<double>(out.weighted.size());
    out.ideal = (sum + static_cast<double>(unknown) * mean * kUnknownTermShare) * (k1 + 1);
    return out;
}

void HybridIndex::score_one(const Terms& words, const Terms& grams, std::span<const float> vector,
                            Part& part, Best& best) const {
    const auto& partition = *part.partition;
    const auto slots = partition.slots();
    part.words.resize(slots);
    part.grams.resize(slots);
    const Saturation of_words{tuning_.word_k1, tuning_.word_b};
    const Saturation of_grams{tuning_.gram_k1, tuning_.gram_b};
    partition.words().score(words.weighted, of_words, words.length_average, part.words);
    partition.grams().score(grams.weighted, of_grams, grams.length_average, part.grams);
    if (!vector.empty()) {
        part.vectors.resize(slots);
        partition.score_vectors(vector, part.vectors);
    }
    const auto gram_floor = static_cast<float>(tuning_.gram_floor * grams.ideal);
    const auto similarity_floor = static_cast<float>(tuning_.similarity_floor);
    for (std::uint32_t slot = 0; slot < slots; ++slot) {
        const bool live = partition.is_live(slot);
        if (!live) part.words[slot] = 0;
        if (!live || part.grams[slot] < gram_floor) part.grams[slot] = 0;
        if (!vector.empty() && (!live || part.vectors[slot] < similarity_floor))
            part.vectors[slot] = 0;
    }
    std::size_t episodes = 0;
    part.episode_of = partition.episodes(tuning_, episodes);
    part.episodes =
        partition.words().score_groups(words.weighted, of_words, part.episode_of, episodes);
    best.words = std::max(best.words, largest(part.words));
    best.grams = std::max(best.grams, largest(part.grams));
    best.vectors = std::max(best.vectors, largest(part.vectors));
    best.episodes = std::max(best.episodes, largest(part.episodes));
}

std::vector<float> HybridIndex::join(const Part& part, const Best& best) const {
    std::vector<float> out(part.words.size());
    add_share(part.words, best.words, 1 - tuning_.gram_weight, out);
    add_share(part.grams, best.grams, tuning_.gram_weight, out);
    add_share(part.vectors, best.vectors, tuning_.vector_weight, out);
    return part.partition->spread(tuning_, part.episode_of, out);
}

std::vector<Part> HybridIndex::score(const Query& query,
                                     std::span<const Partition* const> partitions,
                                     double& confidence) const {
    std::vector<TermId> known;
    std::size_t unknown = 0;
    for (const auto& term : terms_of(query.text)) {
        const auto found = vocabulary_.find(term);
        if (found == vocabulary_.end())
            ++unknown;
        else
            known.push_back(found->second);
    }
    const auto words = weigh(known, unknown, partitions, &Partition::words, tuning_.word_k1);
    const auto grams =
        weigh(grams_of(split_words(query.text)), 0, partitions, &Partition::grams, tuning_.gram_k1);
    const auto vector = embedder_ ? embedder_->embed(query.text) : std::vector<float>();
    std::vector<Part> parts;
    Best best;
    for (const auto* partition : partitions) {
        Part part{.partition = partition};
        score_one(words, grams, vector, part, best);
        parts.push_back(std::move(part));
    }
    for (auto& part : parts) {
        part.words = join(part, best);
        best.joined = std::max(best.joined, largest(part.words));
    }
    for (auto& part : parts) {
        if (best.joined <= 0 || best.episodes <= 0) break;
        const auto scale = static_cast<float>(1 / best.joined);
        const auto share = static_cast<float>(tuning_.episode_weight / best.episodes);
        for (std::size_t slot = 0; slot < part.words.size(); ++slot)
            part.words[slot] =
                part.words[slot] * scale + part.episodes[part.episode_of[slot]] * share;
    }
    confidence = 0;
    if (words.ideal > 0) confidence = std::max(confidence, best.words / words.ideal);
    if (grams.ideal > 0) confidence = std::max(confidence, best.grams / grams.ideal);
    confidence = std::min(1.0, std::max(confidence, best.vectors));
    return parts;
}

std::vector<Hit> HybridIndex::search(const Query& query) const {
    order_all();
    const std::shared_lock lock(mutex_);
    const auto partitions = selected(query.spaces);
    double confidence = 0;
    std::vector<Candidate> candidates;
    for (const auto& part : score(query, partitions, confidence))
        for (std::uint32_t slot = 0; slot < part.words.size(); ++slot)
            if (part.words[slot] > 0 && part.partition->is_live(slot))
                candidates.push_back({part.words[slot], part.partition->key(slot)});
    // Newest first among equals: keys grow.
    const auto worse = [](const Candidate& a, const Candidate& b) {
        return a.score != b.score ? a.score < b.score : a.key < b.key;
    };
    std::ranges::make_heap(candidates, worse);
    std::vector<Hit> out;
    double best = 0;
    while (!candidates.empty() && out.size() < query.limit) {
        std::ranges::pop_heap(candidates, worse);
        const auto candidate = candidates.back();
        candidates.pop_back();
        best = std::max(best, candidate.score);
        if (query.accept && !query.accept(candidate.key)) continue;
        out.push_back({candidate.key, confidence * candidate.score / best});
    }
    return out;
}

void HybridIndex::order_all() const {
    {
        const std::shared_lock lock(mutex_);
        if (unordered_.empty()) return;
    }
    const std::unique_lock lock(mutex_);
    for (auto* partition : unordered_) partition->order();
    unordered_.clear();
}

Index::Statistics HybridIndex::statistics() const {
    const std::shared_lock lock(mutex_);
    Statistics out{.documents = places_.size(), .spaces = spaces_.size()};
    for (const auto& [space, partition] : spaces_) out.bytes += partition->bytes();
    return out;
}

}  // namespace

bool SpaceFilter::matches(std::string_view candidate) const {
    if (kind == Kind::all) return true;
    if (kind == Kind::exact) return candidate == space;
    std::string_view path = space;
    while (path.ends_with('/')) path.remove_suffix(1);
    if (path.empty()) return true;  // "/": namespaces without a leading slash are below it too
    if (!candidate.starts_with(path)) return false;
    return candidate.size() == path.size() || candidate[path.size()] == '/';
}

std::unique_ptr<Index> make_index(const Embedder* embedder, Tuning tuning) {
    return std::make_unique<HybridIndex>(embedder, std::move(tuning));
}

}  // namespace ac::search
