#include "search/ranking.h"

#include <algorithm>

#include "search/evaluation.h"
#include "search/surroundings.h"

namespace ac::search {

namespace {

// A query's words or forms over the partitions.
struct Asked {
    Kind kind;
    const QueryTerms& terms;
    Saturation saturation;
    std::vector<Occurrences> occurrences;  // one a partition
    Weights weights;

    TermValue value() const { return {saturation, weights.length_average}; }
};

class Ranking final {
  public:
    Ranking(const Query& query, const Question& question,
            std::span<const Partition* const> partitions, const Tuning& tuning, Scratch& scratch);
    std::vector<Hit> hits();

  private:
    Asked ask(Kind kind, const QueryTerms& terms, Saturation saturation) const;
    void score_texts(const Asked& asked, std::vector<float>& scores);
    void clear_dead(std::vector<float>& scores) const;
    // What was left out of the best documents' scores, so that these are exact.
    void complete();
    void score_vectors();
    void score_all_episodes();
    // Each kind of evidence as a share of the best in the query.
    void join(float form_floor);
    // Calls visit(part, its slots) for the places in the row, which ascend.
    template <class Visit>
    void for_each_part(std::span<const std::uint32_t> places, Visit visit) const;
    // Places that have a score of their own or by their episode.
    std::vector<std::uint32_t> every_match() const;
    double confidence() const;

    const Query& query_;
    const Question& question_;
    std::span<const Partition* const> partitions_;
    const Tuning& tuning_;
    Scratch& scratch_;
    std::vector<Part> parts_;
    std::size_t size_ = 0;
    Asked words_;
    Asked forms_;
    double best_words_ = 0;
    double best_forms_ = 0;
    double best_vectors_ = 0;
    double best_episodes_ = 0;
};

Ranking::Ranking(const Query& query, const Question& question,
                 std::span<const Partition* const> partitions, const Tuning& tuning,
                 Scratch& scratch)
    : query_(query),
      question_(question),
      partitions_(partitions),
      tuning_(tuning),
      scratch_(scratch),
      words_(ask(Kind::word, question.words, {tuning.word_k1, tuning.word_b})),
      forms_(ask(Kind::form, question.forms, {tuning.form_k1, tuning.form_b})) {
    for (const auto* partition : partitions) {
        parts_.push_back({.partition = partition, .first = size_, .episodes = {}});
        size_ += partition->slots();
    }
}

Asked Ranking::ask(Kind kind, const QueryTerms& terms, Saturation saturation) const {
    Asked out{.kind = kind, .terms = terms, .saturation = saturation};
    for (const auto* partition : partitions_)
        out.occurrences.push_back(partition->find(kind, terms));
    out.weights =
        kind == Kind::word
            ? weigh(terms, question_.unknown_words, partitions_, out.occurrences, tuning_)
            : weigh_forms(terms, question_.asked_forms, partitions_, out.occurrences, tuning_);
    return out;
}

void Ranking::score_texts(const Asked& asked, std::vector<float>& scores) {
    scores.resize(size_);
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        const auto own = std::span(scores).subspan(parts_[i].first, parts_[i].partition->slots());
        score_now(*parts_[i].partition, asked.kind, asked.occurrences[i], asked.weights,
                  asked.value(), own);
    }
    clear_dead(scores);
}

void Ranking::clear_dead(std::vector<float>& scores) const {
    for (const auto& [partition, first, episodes] : parts_) {
        if (partition->live() == partition->slots()) continue;
        for (std::uint32_t slot = 0; slot < partition->slots(); ++slot)
            if (!partition->is_live(slot)) scores[first + slot] = 0;
    }
}

template <class Visit>
void Ranking::for_each_part(std::span<const std::uint32_t> places, Visit visit) const {
    std::size_t at = 0;
    std::vector<std::uint32_t> slots;
    for (const auto& part : parts_) {
        slots.clear();
        const auto end = part.first + part.partition->slots();
        for (; at < places.size() && places[at] < end; ++at)
            slots.push_back(places[at] - static_cast<std::uint32_t>(part.first));
        if (!slots.empty()) visit(part, std::span<const std::uint32_t>(slots));
    }
}

void Ranking::complete() {
    if (words_.weights.later.empty() && forms_.weights.later.empty()) return;
    join(0);
    for_each_part(scratch_.line.top(tuning_.completed_max), [&](const Part& part, auto slots) {
        for (const auto& [asked, scores] :
             {std::pair(&words_, &scratch_.words), {&forms_, &scratch_.forms}})
            if (!asked->weights.later.empty())
                score_later(*part.partition, asked->kind, asked->terms, asked->weights,
                            asked->value(), slots, std::span(*scores).subspan(part.first));
    });
}

// Above what unrelated documents have.
void Ranking::score_vectors() {
    const auto& vector = question_.vector;
    scratch_.vectors.clear();
    const auto has_vectors = [&](const Partition* partition) {
        const auto* rows = partition->vectors();
        return rows != nullptr && rows->dimensions() == vector.size();
    };
    if (vector.empty() || std::ranges::none_of(partitions_, has_vectors)) return;
    join(0);
    scratch_.vectors.resize(size_);
    std::vector<std::vector<std::uint32_t>> also(parts_.size());
    for_each_part(scratch_.line.top(tuning_.vectors_max), [&](const Part& part, auto slots) {
        also[static_cast<std::size_t>(&part - parts_.data())].assign(slots.begin(), slots.end());
    });
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        const auto& [partition, first, episodes] = parts_[i];
        if (!has_vectors(partition)) continue;
        const float noise = partition->vectors()->noise(vector);
        const auto is_live = [&](std::uint32_t slot) { return partition->is_live(slot); };
        for (const auto& [slot, similarity] :
             partition->vectors()->nearest(vector, tuning_.vectors_max, also[i], is_live))
            scratch_.vectors[first + slot] = std::max(0.0F, similarity - noise);
    }
    best_vectors_ = largest(scratch_.vectors);
}

void Ranking::score_all_episodes() {
    const Saturation saturation{.k1 = tuning_.word_k1, .b = tuning_.episode_b};
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        parts_[i].episodes =
            score_episodes(*parts_[i].partition, words_.occurrences[i], words_.weights, saturation);
        best_episodes_ = std::max<double>(best_episodes_, largest(parts_[i].episodes));
    }
}

void Ranking::join(float form_floor) {
    best_words_ = largest(scratch_.words);
    best_forms_ = largest(scratch_.forms);
    if (best_forms_ < form_floor) best_forms_ = 0;
    const auto part = [](std::span<const float> scores, double weight, double best, float floor) {
        return ScoreLine::Part{scores, best > 0 ? static_cast<float>(weight / best) : 0.0F, floor};
    };
    scratch_.line.join(part(scratch_.words, 1 - tuning_.form_weight, best_words_, 0),
                       part(scratch_.forms, tuning_.form_weight, best_forms_, form_floor),
                       part(scratch_.vectors, tuning_.vector_weight, best_vectors_, 0), size_);
}

std::vector<std::uint32_t> Ranking::every_match() const {
    std::vector<std::uint32_t> out;
    const auto scores = scratch_.line.scores();
    for (const auto& [partition, first, episodes] : parts_)
        for (std::uint32_t slot = 0; slot < partition->slots(); ++slot)
            if (scores[first + slot] > 0 || episodes[partition->episode(slot)] > 0)
                out.push_back(static_cast<std::uint32_t>(first + slot));
    return out;
}

// How much of the question the best document covers.
double Ranking::confidence() const {
    double out = best_vectors_;
    if (words_.weights.ideal > 0) out = std::max(out, best_words_ / words_.weights.ideal);
    if (forms_.weights.ideal > 0) out = std::max(out, best_forms_ / forms_.weights.ideal);
    return std::min(1.0, out);
}

std::vector<Hit> Ranking::hits() {
    score_texts(words_, scratch_.words);
    score_texts(forms_, scratch_.forms);
    scratch_.vectors.clear();
    complete();
    score_vectors();
    score_all_episodes();
    join(static_cast<float>(tuning_.form_floor * forms_.weights.ideal));
    // A few candidates at first; more when too few of them are accepted.
    for (auto wanted = std::max(tuning_.candidates_max, query_.limit + 100);;) {
        const bool is_all = wanted >= size_;
        const auto places = is_all ? every_match() : scratch_.line.top(wanted);
        Surroundings surroundings({.parts = parts_,
                                   .scores = scratch_.line.scores(),
                                   .best_episode = best_episodes_,
                                   .words = question_.words,
                                   .tuning = tuning_},
                                  places);
        double best = 0;
        std::vector<Hit> out;
        while (out.size() < query_.limit) {
            const auto candidate = surroundings.next();
            if (!candidate) break;
            best = std::max<double>(best, candidate->score);
            if (query_.accept && !query_.accept(candidate->key)) continue;
            out.push_back({candidate->key, confidence() * candidate->score / best});
        }
        if (out.size() == query_.limit || is_all) return out;
        wanted = places.size() < wanted ? size_ : wanted * 32;
    }
}

}  // namespace

std::unique_ptr<Scratch> ScratchPool::take() {
    const std::lock_guard lock(mutex_);
    if (kept_.empty()) return std::make_unique<Scratch>();
    auto out = std::move(kept_.back());
    kept_.pop_back();
    return out;
}

void ScratchPool::give_back(std::unique_ptr<Scratch> scratch) {
    const std::lock_guard lock(mutex_);
    if (kept_.size() < kKept) kept_.push_back(std::move(scratch));
}

std::vector<Hit> rank(const Query& query, const Question& question,
                      std::span<const Partition* const> partitions, const Tuning& tuning,
                      Scratch& scratch) {
    return Ranking(query, question, partitions, tuning, scratch).hits();
}

}  // namespace ac::search
