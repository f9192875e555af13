#include "search/index.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>

#include "search/evaluation.h"
#include "search/tokenizer.h"

namespace ac::search {

namespace {

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

// A name before a colon, as in transcripts: "Anna Maria: ...". Empty: there is none.
std::string_view speaker_of(std::string_view text) {
    constexpr std::size_t kNameBytesMax = 40;
    const auto name = text.substr(0, std::min(text.find(": "), text.size()));
    if (name.size() == text.size() || name.size() > kNameBytesMax) return {};
    if (name.empty() || (name.front() >= 'a' && name.front() <= 'z')) return {};
    return std::ranges::count(name, ' ') > 2 ? std::string_view() : name;
}

// N-grams are known by fewer bits than a hash has: a document's are packed by their gaps.
constexpr std::uint32_t kGramMask = (1 << 22) - 1;

std::vector<TermId> gram_ids(const std::vector<Word>& words) {
    auto out = grams_of(words);
    for (auto& gram : out) gram &= kGramMask;
    return out;
}

double largest(std::span<const float> scores) {
    float out = 0;
    for (const float score : scores) out = std::max(out, score);
    return out;
}

void add_share(std::span<const float> from, double best, double weight, std::span<float> to) {
    if (best <= 0) return;
    const auto scale = static_cast<float>(weight / best);
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += from[i] * scale;
}

struct Candidate {
    float score = 0;
    Key key = 0;
};

// A query's words or n-grams over the partitions.
struct Asked {
    Kind kind;
    QueryTerms terms;
    Saturation saturation;
    std::vector<Occurrences> occurrences;  // one a partition
    Weights weights;
};

// One query against one partition, by kind of evidence.
struct Part {
    const Partition* partition = nullptr;
    std::vector<float> words;
    std::vector<float> grams;
    std::vector<float> vectors;  // empty without an embedder
    std::vector<float> episodes;
    std::vector<float> total;
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
    void attach(Key key, std::span<const float> vector) override;
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
    Asked words_of(const std::vector<Word>& query, std::size_t& unknown) const;
    void look_up(Asked& asked, std::size_t unknown,
                 std::span<const Partition* const> partitions) const;
    // Fills the parts' totals; answers how much of the question the best document covers.
    double score(const Query& asked, std::vector<Part>& parts) const;
    Best score_evidence(const Asked& words, const Asked& grams, std::span<const float> vector,
                        std::vector<Part>& parts) const;
    void complete(const Asked& words, const Asked& grams, Part& part) const;
    // About as many slots as that, the best by words and n-grams.
    std::vector<std::uint32_t> best_texts(const Part& part, std::size_t count) const;
    void score_vectors(std::span<const float> vector, Part& part) const;
    void drop_noise(const Asked& grams, Part& part) const;
    void favour_speakers(const QueryTerms& words, Part& part) const;
    void join(const Part& part, const Best& best, std::vector<float>& out) const;
    std::vector<Hit> best_of(const Query& query, const std::vector<Part>& parts,
                             double confidence) const;
    std::vector<Hit> answer(const Query& query) const;  // every partition is in order
    // So that search() mostly finds every partition in order without a writer's lock.
    void order_all() const;
    void order_locked() const;

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
    if (document.vector.empty() && embedder_) document.vector = embedder_->embed(document.text);
    Partition::Added added{
        .key = document.key, .time_ms = document.time_ms, .grams = count_terms(gram_ids(all))};
    const std::unique_lock lock(mutex_);
    remove_locked(document.key);
    auto& partition = spaces_[document.space];
    if (!partition) partition = std::make_unique<Partition>();
    std::vector<TermId> ids;
    ids.reserve(terms.size());
    for (const auto& term : terms) ids.push_back(intern(term));
    added.words = count_terms(std::move(ids));
    const auto name = terms_of(speaker_of(document.text));
    if (!name.empty()) added.speaker = intern(name.front());
    if (partition->is_ordered()) unordered_.push_back(partition.get());
    const auto slot = partition->add(added);
    places_[document.key] = {partition.get(), slot};
    if (!document.vector.empty()) partition->attach(slot, document.vector);
}

void HybridIndex::attach(Key key, std::span<const float> vector) {
    const std::unique_lock lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    const auto [partition, slot] = found->second;
    if (partition->vectors() != nullptr && partition->vectors()->has(slot)) return;
    partition->attach(slot, vector);
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
    const bool was_ordered = partition->is_ordered();
    const bool moved = partition->compact_when_sparse(
        [&](Key key_moved, std::uint32_t slot) { places_[key_moved] = {partition, slot}; });
    if (moved && was_ordered) unordered_.push_back(partition);
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

Asked HybridIndex::words_of(const std::vector<Word>& query, std::size_t& unknown) const {
    std::vector<TermId> known;
    for (const auto& term : terms_of(query)) {
        const auto found = vocabulary_.find(term);
        if (found == vocabulary_.end())
            ++unknown;
        else
            known.push_back(found->second);
    }
    return {.kind = Kind::word,
            .terms = QueryTerms(std::move(known)),
            .saturation = {tuning_.word_k1, tuning_.word_b}};
}

void HybridIndex::look_up(Asked& asked, std::size_t unknown,
                          std::span<const Partition* const> partitions) const {
    for (const auto* partition : partitions)
        asked.occurrences.push_back(partition->find(asked.kind, asked.terms));
    asked.weights = weigh(asked.kind, asked.terms, unknown, partitions, asked.occurrences, tuning_);
}

std::vector<std::uint32_t> HybridIndex::best_texts(const Part& part, std::size_t count) const {
    std::vector<float> rough(part.words.size());
    const Best best{.words = largest(part.words), .grams = largest(part.grams)};
    join(part, best, rough);
    const float floor = score_reached_by(rough, count);
    std::vector<std::uint32_t> out;
    for (std::uint32_t slot = 0; slot < rough.size(); ++slot)
        if (rough[slot] > 0 && rough[slot] >= floor) out.push_back(slot);
    return out;
}

// Above what unrelated documents have.
void HybridIndex::score_vectors(std::span<const float> vector, Part& part) const {
    const auto* rows = part.partition->vectors();
    if (rows == nullptr || rows->dimensions() != vector.size()) return;
    const float noise = rows->noise(vector);
    const auto is_live = [&](std::uint32_t slot) { return part.partition->is_live(slot); };
    const auto also = best_texts(part, tuning_.vectors_max);
    part.vectors.resize(part.partition->slots());
    for (const auto& [slot, similarity] : rows->nearest(vector, tuning_.vectors_max, also, is_live))
        part.vectors[slot] = std::max(0.0F, similarity - noise);
}

// What was left out of the best documents' scores, so that these are exact.
void HybridIndex::complete(const Asked& words, const Asked& grams, Part& part) const {
    if (words.weights.later.empty() && grams.weights.later.empty()) return;
    const auto slots = best_texts(part, tuning_.completed_max);
    for (const auto& [asked, scores] : {std::pair(&words, &part.words), {&grams, &part.grams}}) {
        const TermValue value(asked->saturation, asked->weights.length_average);
        if (!asked->weights.later.empty())
            score_later(*part.partition, asked->kind, asked->terms, asked->weights, value, slots,
                        *scores);
    }
}

void HybridIndex::drop_noise(const Asked& grams, Part& part) const {
    const auto gram_floor = static_cast<float>(tuning_.gram_floor * grams.weights.ideal);
    for (auto& score : part.grams)
        if (score < gram_floor) score = 0;
    const auto& partition = *part.partition;
    if (partition.live() == partition.slots()) return;
    for (std::uint32_t slot = 0; slot < partition.slots(); ++slot) {
        if (partition.is_live(slot)) continue;
        part.words[slot] = part.grams[slot] = 0;
        if (!part.vectors.empty()) part.vectors[slot] = 0;
    }
}

Best HybridIndex::score_evidence(const Asked& words, const Asked& grams,
                                 std::span<const float> vector, std::vector<Part>& parts) const {
    Best best;
    const TermValue of_word(words.saturation, words.weights.length_average);
    const TermValue of_gram(grams.saturation, grams.weights.length_average);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        auto& part = parts[i];
        const auto& partition = *part.partition;
        part.words = score_now(partition, Kind::word, words.occurrences[i], words.weights, of_word);
        part.grams = score_now(partition, Kind::gram, grams.occurrences[i], grams.weights, of_gram);
        complete(words, grams, part);
        if (!vector.empty()) score_vectors(vector, part);
        drop_noise(grams, part);
        part.episodes = score_episodes(partition, words.occurrences[i], words.weights,
                                       {.k1 = tuning_.word_k1, .b = tuning_.episode_b});
        best.words = std::max(best.words, largest(part.words));
        best.grams = std::max(best.grams, largest(part.grams));
        best.vectors = std::max(best.vectors, largest(part.vectors));
        best.episodes = std::max(best.episodes, largest(part.episodes));
    }
    return best;
}

void HybridIndex::join(const Part& part, const Best& best, std::vector<float>& out) const {
    add_share(part.words, best.words, 1 - tuning_.gram_weight, out);
    add_share(part.grams, best.grams, tuning_.gram_weight, out);
    add_share(part.vectors, best.vectors, tuning_.vector_weight, out);
}

void HybridIndex::favour_speakers(const QueryTerms& words, Part& part) const {
    const auto more = static_cast<float>(1 + tuning_.speaker_weight);
    for (std::uint32_t slot = 0; slot < part.total.size(); ++slot) {
        const auto speaker = part.partition->speaker(slot);
        if (words.may_have(speaker) && words.find(speaker)) part.total[slot] *= more;
    }
}

double HybridIndex::score(const Query& asked, std::vector<Part>& parts) const {
    const auto query = split_words(asked.text);
    std::vector<const Partition*> partitions;
    for (const auto& part : parts) partitions.push_back(part.partition);
    std::size_t unknown = 0;
    auto words = words_of(query, unknown);
    look_up(words, unknown, partitions);
    Asked grams{.kind = Kind::gram,
                .terms = QueryTerms(gram_ids(query)),
                .saturation = {tuning_.gram_k1, tuning_.gram_b}};
    look_up(grams, 0, partitions);
    const auto vector =
        asked.vector.empty() && embedder_ ? embedder_->embed(asked.text) : asked.vector;
    auto best = score_evidence(words, grams, vector, parts);
    for (auto& part : parts) {
        std::vector<float> joined(part.words.size());
        join(part, best, joined);
        part.total =
            spread(*part.partition, tuning_, joined, score_reached_by(joined, tuning_.givers_max));
        best.joined = std::max(best.joined, largest(part.total));
    }
    for (auto& part : parts) {
        if (best.joined <= 0 || best.episodes <= 0) break;
        const auto scale = static_cast<float>(1 / best.joined);
        const auto share = static_cast<float>(tuning_.episode_weight / best.episodes);
        for (std::uint32_t slot = 0; slot < part.total.size(); ++slot)
            part.total[slot] =
                part.total[slot] * scale + part.episodes[part.partition->episode(slot)] * share;
    }
    for (auto& part : parts) favour_speakers(words.terms, part);
    double confidence = best.vectors;
    if (words.weights.ideal > 0)
        confidence = std::max(confidence, best.words / words.weights.ideal);
    if (grams.weights.ideal > 0)
        confidence = std::max(confidence, best.grams / grams.weights.ideal);
    return std::min(1.0, confidence);
}

// A few candidates at first; more when too few of them are accepted.
std::vector<Hit> HybridIndex::best_of(const Query& query, const std::vector<Part>& parts,
                                      double confidence) const {
    // Newest first among equals: keys grow.
    const auto worse = [](const Candidate& a, const Candidate& b) {
        return a.score != b.score ? a.score < b.score : a.key < b.key;
    };
    std::vector<Hit> out;
    float best = 0;
    std::vector<float> ceilings(parts.size(), std::numeric_limits<float>::max());
    for (std::size_t wanted = query.limit + 100; out.size() < query.limit; wanted *= 32) {
        std::vector<Candidate> candidates;
        bool is_all = true;
        float floor = 0;
        for (const auto& part : parts)
            floor = std::max(floor, score_reached_by(part.total, wanted));
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const auto& [total, partition] =
                std::pair(std::span(parts[i].total), parts[i].partition);
            is_all = is_all && floor <= 0;
            for (std::uint32_t slot = 0; slot < total.size(); ++slot)
                if (total[slot] > 0 && total[slot] >= floor && total[slot] < ceilings[i] &&
                    partition->is_live(slot))
                    candidates.push_back({total[slot], partition->key(slot)});
            ceilings[i] = floor;
        }
        std::ranges::sort(candidates, [&](const auto& a, const auto& b) { return worse(b, a); });
        for (const auto& candidate : candidates) {
            if (out.size() == query.limit) break;
            best = std::max(best, candidate.score);
            if (query.accept && !query.accept(candidate.key)) continue;
            out.push_back({candidate.key, confidence * candidate.score / best});
        }
        if (is_all) break;
    }
    return out;
}

// A document may come between ordering and reading: then it is done once more, and at last with
// writers kept out.
std::vector<Hit> HybridIndex::search(const Query& query) const {
    constexpr int kTries = 8;
    for (int i = 0; i < kTries; ++i) {
        order_all();
        const std::shared_lock lock(mutex_);
        if (unordered_.empty()) return answer(query);
    }
    const std::unique_lock lock(mutex_);
    order_locked();
    return answer(query);
}

std::vector<Hit> HybridIndex::answer(const Query& query) const {
    std::vector<Part> parts;
    for (const auto* partition : selected(query.spaces)) parts.push_back({.partition = partition});
    const double confidence = score(query, parts);
    return best_of(query, parts, confidence);
}

void HybridIndex::order_all() const {
    {
        const std::shared_lock lock(mutex_);
        if (unordered_.empty()) return;
    }
    const std::unique_lock lock(mutex_);
    order_locked();
}

void HybridIndex::order_locked() const {
    for (auto* partition : unordered_) partition->order(tuning_);
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
