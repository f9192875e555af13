#include "search/ranking.h"

#include <algorithm>
#include <functional>
#include <set>

#include "search/evaluation.h"

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
    std::vector<Hit> hits(const Post& post);

  private:
    Asked ask(Kind kind, const QueryTerms& terms, Saturation saturation) const;
    struct Near {
        float noise = 0;  // what unrelated vectors have in common with the question
        std::vector<VectorRows::Found> found;
    };
    // The best of the scores.
    float score_texts(const Asked& asked, std::vector<float>& scores) const;
    bool clear_dead(std::vector<float>& scores) const;  // false: there are none
    // What was left out of the best documents' scores, so that these are exact.
    void complete();
    bool has_vectors(const Partition& partition) const;
    void find_nearest();
    void score_vectors();
    void score_vectors(const Part& part, const Near& near, std::vector<std::uint32_t> slots,
                       std::set<std::uint32_t> episodes);
    void score_all_episodes();
    // Each kind of evidence as a share of the best in the query.
    void join(float form_floor);
    // Calls visit(part, its slots) for the places in the row, which ascend.
    template <class Visit>
    void for_each_part(std::span<const std::uint32_t> places, Visit visit) const;
    double confidence() const;

    const Query& query_;
    const Question& question_;
    std::span<const Partition* const> partitions_;
    const Tuning& tuning_;
    Scratch& scratch_;
    std::vector<Part> parts_;
    std::size_t size_ = 0;
    std::vector<Near> near_;  // of each part
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

float Ranking::score_texts(const Asked& asked, std::vector<float>& scores) const {
    scores.resize(size_);
    float best = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        const auto own = std::span(scores).subspan(parts_[i].first, parts_[i].partition->slots());
        best = std::max(best, score_now(*parts_[i].partition, asked.kind, asked.occurrences[i],
                                        asked.weights, asked.value(), own));
    }
    return clear_dead(scores) ? largest(scores) : best;
}

bool Ranking::clear_dead(std::vector<float>& scores) const {
    bool out = false;
    for (const auto& [partition, first, episodes] : parts_) {
        if (partition->live() == partition->slots()) continue;
        out = true;
        for (std::uint32_t slot = 0; slot < partition->slots(); ++slot)
            if (!partition->is_live(slot)) scores[first + slot] = 0;
    }
    return out;
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
    const auto places = best_places(scratch_.line.scores(), tuning_.completed_max);
    for_each_part(places, [&](const Part& part, auto slots) {
        for (const auto& [asked, scores] :
             {std::pair(&words_, &scratch_.words), {&forms_, &scratch_.forms}})
            if (!asked->weights.later.empty())
                score_later(*part.partition, asked->kind, asked->terms, asked->weights,
                            asked->value(), slots, std::span(*scores).subspan(part.first));
    });
    best_words_ = largest(scratch_.words);
    best_forms_ = largest(scratch_.forms);
}

bool Ranking::has_vectors(const Partition& partition) const {
    const auto* rows = partition.vectors();
    return rows != nullptr && rows->dimensions() == question_.vector.size();
}

void Ranking::find_nearest() {
    const auto& vector = question_.vector;
    if (vector.empty()) return;
    near_.resize(parts_.size());
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        const auto& partition = *parts_[i].partition;
        if (!has_vectors(partition)) continue;
        const auto is_live = [&](std::uint32_t slot) { return partition.is_live(slot); };
        near_[i].noise = partition.vectors()->noise(vector);
        near_[i].found = partition.vectors()->nearest(vector, tuning_.vectors_max, is_live);
    }
}

// Above what unrelated documents have: the nearest, those that are best by words, and whatever is
// in one episode with the best of either, as it is looked at with them.
void Ranking::score_vectors() {
    scratch_.vectors.clear();
    if (std::ranges::all_of(near_, [](const Near& near) { return near.found.empty(); })) return;
    join(0);
    scratch_.vectors.resize(size_);
    const auto scores = scratch_.line.scores();
    auto places = best_places(scores, tuning_.compared_max);
    std::vector<std::vector<std::uint32_t>> slots(parts_.size());
    std::vector<std::set<std::uint32_t>> episodes(parts_.size());
    const auto number_of = [&](const Part& part) {
        return static_cast<std::size_t>(&part - parts_.data());
    };
    for_each_part(places, [&](const Part& part, auto own) {
        slots[number_of(part)].assign(own.begin(), own.end());
    });
    if (places.size() > tuning_.vectors_max) {
        const auto nth = places.begin() + static_cast<std::ptrdiff_t>(tuning_.vectors_max);
        std::ranges::nth_element(places, nth, std::greater(), [&](auto at) { return scores[at]; });
        places.erase(nth, places.end());
        std::ranges::sort(places);
    }
    for_each_part(places, [&](const Part& part, auto own) {
        for (const auto slot : own) episodes[number_of(part)].insert(part.partition->episode(slot));
    });
    for (std::size_t i = 0; i < parts_.size(); ++i)
        score_vectors(parts_[i], near_[i], std::move(slots[i]), std::move(episodes[i]));
}

void Ranking::score_vectors(const Part& part, const Near& near, std::vector<std::uint32_t> slots,
                            std::set<std::uint32_t> episodes) {
    if (near.found.empty()) return;
    const auto& partition = *part.partition;
    const auto set = [&](const VectorRows::Found& one) {
        const float score = std::max(0.0F, one.similarity - near.noise);
        scratch_.vectors[part.first + one.slot] = score;
        best_vectors_ = std::max<double>(best_vectors_, score);
    };
    for (const auto& one : near.found) {
        set(one);
        if (near.found.size() <= tuning_.vectors_max) episodes.insert(partition.episode(one.slot));
    }
    for (const auto episode : episodes) {
        const auto begin = partition.episode_starts()[episode];
        const auto own = partition.by_time().subspan(begin, partition.episode_end(episode) - begin);
        slots.insert(slots.end(), own.begin(), own.end());
    }
    for (const auto& one : partition.vectors()->compare(question_.vector, slots)) set(one);
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
    const auto part = [](std::span<const float> scores, double weight, double best, float floor) {
        return ScoreLine::Part{scores, best > 0 ? static_cast<float>(weight / best) : 0.0F, floor};
    };
    scratch_.line.join(part(scratch_.words, 1 - tuning_.form_weight, best_words_, 0),
                       part(scratch_.forms, tuning_.form_weight, best_forms_, form_floor),
                       part(scratch_.vectors, tuning_.vector_weight, best_vectors_, 0), size_);
}

// How much of the question the best document covers.
double Ranking::confidence() const {
    double out = best_vectors_;
    if (words_.weights.ideal > 0) out = std::max(out, best_words_ / words_.weights.ideal);
    if (forms_.weights.ideal > 0) out = std::max(out, best_forms_ / forms_.weights.ideal);
    return std::min(1.0, out);
}

std::vector<Hit> Ranking::hits(const Post& post) {
    // Below, going to another thread takes longer than the work.
    constexpr std::size_t kAsideFrom = 16'384;
    Aside aside(size_ < kAsideFrom ? Post() : post, [this] {
        best_forms_ = score_texts(forms_, scratch_.forms);
        find_nearest();
    });
    best_words_ = score_texts(words_, scratch_.words);
    score_all_episodes();
    aside.finish();
    scratch_.vectors.clear();
    complete();
    score_vectors();
    const auto form_floor = static_cast<float>(tuning_.form_floor * forms_.weights.ideal);
    if (best_forms_ < form_floor) best_forms_ = 0;
    join(form_floor);
    Surroundings surroundings({.parts = parts_,
                               .scores = scratch_.line.scores(),
                               .best_episode = best_episodes_,
                               .words = question_.words,
                               .tuning = tuning_,
                               .rows = scratch_.episodes});
    double best = 0;
    std::vector<Hit> out;
    while (out.size() < query_.limit) {
        const auto candidate = surroundings.next();
        if (!candidate) break;
        best = std::max<double>(best, candidate->score);
        if (query_.accept && !query_.accept(candidate->key)) continue;
        out.push_back({candidate->key, confidence() * candidate->score / best});
    }
    return out;
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
                      const Post& post, Scratch& scratch) {
    return Ranking(query, question, partitions, tuning, scratch).hits(post);
}

}  // namespace ac::search
