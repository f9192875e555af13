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

struct Candidate {
    double score = 0;
    Key key = 0;
};

// One query against one partition, between the two passes.
struct Part {
    const Partition* partition = nullptr;
    std::vector<float> text;
    std::vector<float> vector;
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
    // Also the score that a document with every word of the query would get.
    std::vector<WeightedTerm> weigh(const std::vector<std::string>& terms,
                                    std::span<const Partition* const> partitions,
                                    double& ideal) const;
    std::vector<Part> score(const Query& query, std::span<const Partition* const> partitions,
                            double& confidence) const;
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
    const auto terms = terms_of(document.text + date_words(document.time_ms));
    const auto vector = embedder_ ? embedder_->embed(document.text) : std::vector<float>();
    const std::unique_lock lock(mutex_);
    remove_locked(document.key);
    auto& partition = spaces_[document.space];
    if (!partition) partition = std::make_unique<Partition>(embedder_ ? vector.size() : 0);
    std::vector<TermId> ids;
    ids.reserve(terms.size());
    for (const auto& term : terms) ids.push_back(intern(term));
    const Partition::Added added{
        .key = document.key, .time_ms = document.time_ms, .terms = ids, .vector = vector};
    const bool was_ordered = partition->is_ordered();
    places_[document.key] = {partition.get(), partition->add(added)};
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

std::vector<WeightedTerm> HybridIndex::weigh(const std::vector<std::string>& terms,
                                             std::span<const Partition* const> partitions,
                                             double& ideal) const {
    double documents = 0;
    for (const auto* partition : partitions) documents += static_cast<double>(partition->live());
    std::map<std::string_view, int> counts;
    for (const auto& term : terms) ++counts[term];
    std::vector<WeightedTerm> out;
    double unknown = 0;
    double sum = 0;
    for (const auto& [term, count] : counts) {
        double frequency = 0;
        const auto id = vocabulary_.find(term);
        if (id != vocabulary_.end())
            for (const auto* partition : partitions)
                frequency += static_cast<double>(partition->frequency(id->second));
        if (frequency == 0) {
            unknown += count;
            continue;
        }
        const double idf = std::log(1 + (documents - frequency + 0.5) / (frequency + 0.5));
        out.push_back({id->second, idf * count});
        sum += idf * count;
    }
    const double mean = out.empty() ? 0 : sum / static_cast<double>(out.size());
    ideal = (sum + unknown * mean * kUnknownTermShare) * (tuning_.k1 + 1);
    return out;
}

std::vector<Part> HybridIndex::score(const Query& query,
                                     std::span<const Partition* const> partitions,
                                     double& confidence) const {
    double ideal = 0;
    const auto terms = weigh(terms_of(query.text), partitions, ideal);
    const auto vector = embedder_ ? embedder_->embed(query.text) : std::vector<float>();
    double documents = 0;
    double length = 0;
    for (const auto* partition : partitions) {
        documents += static_cast<double>(partition->live());
        length += static_cast<double>(partition->length_sum());
    }
    const double length_average = std::max(1.0, length / std::max(1.0, documents));
    std::vector<Part> parts;
    double text_best = 0;
    double vector_best = 0;
    for (const auto* partition : partitions) {
        Part part{.partition = partition, .text = std::vector<float>(partition->slots())};
        partition->score_terms(terms, tuning_, length_average, part.text);
        text_best = std::max(text_best, largest(part.text));
        if (!vector.empty()) {
            part.vector.resize(partition->slots());
            partition->score_vectors(vector, part.vector);
            const auto floor = static_cast<float>(tuning_.similarity_floor);
            for (std::uint32_t slot = 0; slot < part.vector.size(); ++slot)
                if (!partition->is_live(slot) || part.vector[slot] < floor) part.vector[slot] = 0;
            vector_best = std::max(vector_best, largest(part.vector));
        }
        parts.push_back(std::move(part));
    }
    const auto text_scale = static_cast<float>(text_best > 0 ? 1 / text_best : 0);
    const auto vector_scale =
        static_cast<float>(vector_best > 0 ? tuning_.vector_weight / vector_best : 0);
    for (auto& part : parts) {
        for (std::size_t i = 0; i < part.text.size(); ++i) {
            part.text[i] *= text_scale;
            if (!part.vector.empty()) part.text[i] += part.vector[i] * vector_scale;
        }
    }
    confidence = std::clamp(std::max(ideal > 0 ? text_best / ideal : 0, vector_best), 0.0, 1.0);
    return parts;
}

std::vector<Hit> HybridIndex::search(const Query& query) const {
    order_all();
    const std::shared_lock lock(mutex_);
    const auto partitions = selected(query.spaces);
    double confidence = 0;
    std::vector<Candidate> candidates;
    for (const auto& part : score(query, partitions, confidence)) {
        const auto scores =
            part.partition->is_ordered() ? part.partition->spread(tuning_, part.text) : part.text;
        for (std::uint32_t slot = 0; slot < scores.size(); ++slot)
            if (scores[slot] > 0 && part.partition->is_live(slot))
                candidates.push_back({scores[slot], part.partition->key(slot)});
    }
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
    if (!candidate.starts_with(path)) return false;
    return candidate.size() == path.size() || candidate[path.size()] == '/';
}

std::unique_ptr<Index> make_index(const Embedder* embedder, Tuning tuning) {
    return std::make_unique<HybridIndex>(embedder, std::move(tuning));
}

}  // namespace ac::search
