#include "search/ranking.h"

#include <algorithm>
#include <functional>
#include <set>

#include "search/association.h"
#include "search/evaluation.h"
#include "search/question.h"

namespace ac::search {

namespace {

// A query's words or forms over the partitions.
struct Asked {
    Kind kind;
    Saturation saturation;
    QueryTerms terms;
    std::vector<Occurrences> occurrences;  // one a partition
    Weights weights;

    TermValue value() const { return {saturation, weights.length_average}; }
};

class Ranking final {
  public:
    Ranking(const Query& query, const Searched& searched, Scratch& scratch);
    std::vector<Hit> hits();

  private:
    std::vector<Occurrences> find(Kind kind, const QueryTerms& terms) const;
    void ask_words();
    void ask_forms();
    void find_nearest();
    // The best of the scores.
    float score_texts(const Asked& asked, std::vector<float>& scores) const;
    bool clear_dead(std::vector<float>& scores) const;  // false: there are none
    void score_all_episodes();
    // What was left out of the best documents' scores, so that these are exact.
    void complete();
    // Each kind of evidence as a share of the best in the query.
    ScoreLine::Part words_part() const;
    ScoreLine::Part forms_part(float floor) const;
    // Calls visit(part, its slots) for the places in the row, which ascend.
    template <class Visit>
    void for_each_part(std::span<const std::uint32_t> places, Visit visit) const;
    double confidence() const;
    std::vector<Candidate> choose(Surroundings& surroundings) const;

    const Query& query_;
    const Searched& searched_;
    const Tuning& tuning_;
    Scratch& scratch_;
    const std::vector<Word> question_;
    std::vector<Part> parts_;
    std::size_t size_ = 0;
    Asked words_;
    Asked forms_;
    Nearness nearness_;
    double best_words_ = 0;
    double best_forms_ = 0;
    double best_episodes_ = 0;
};

std::vector<Part> parts_of(std::span<const Partition* const> partitions) {
    std::vector<Part> out;
    std::size_t first = 0;
    for (const auto* partition : partitions) {
        out.push_back({.partition = partition, .first = first, .episodes = {}});
        first += partition->slots();
    }
    return out;
}

Ranking::Ranking(const Query& query, const Searched& searched, Scratch& scratch)
    : query_(query),
      searched_(searched),
      tuning_(searched.tuning),
      scratch_(scratch),
      question_(forms_of(split_words(query.text))),
      parts_(parts_of(searched.partitions)),
      size_(parts_.empty() ? 0 : parts_.back().first + parts_.back().partition->slots()),
      words_{.kind = Kind::word, .saturation = {tuning_.word_k1, tuning_.word_b}},
      forms_{.kind = Kind::form, .saturation = {tuning_.form_k1, tuning_.form_b}},
      nearness_(parts_, scratch.vectors) {}

std::vector<Occurrences> Ranking::find(Kind kind, const QueryTerms& terms) const {
    std::vector<Occurrences> out;
    for (const auto* partition : searched_.partitions) out.push_back(partition->find(kind, terms));
    return out;
}

void Ranking::ask_words() {
    auto [terms, unknown] = asked_words(searched_.vocabulary, question_);
    const auto associates =
        associates_of(terms, searched_.partitions, searched_.vocabulary.terms(), tuning_);
    words_.terms = terms.with(associates);
    words_.occurrences = find(Kind::word, words_.terms);
    words_.weights =
        weigh(words_.terms, unknown, searched_.partitions, words_.occurrences, tuning_);
    best_words_ = score_texts(words_, scratch_.words);
}

void Ranking::ask_forms() {
    auto [terms, words] = asked_forms(searched_.vocabulary, question_, tuning_.likeness_min);
    forms_.terms = std::move(terms);
    forms_.occurrences = find(Kind::form, forms_.terms);
    forms_.weights =
        weigh_forms(forms_.terms, words, searched_.partitions, forms_.occurrences, tuning_);
    best_forms_ = score_texts(forms_, scratch_.forms);
}

void Ranking::find_nearest() {
    if (!query_.vector.empty())
        nearness_.find(query_.vector, tuning_.vectors_max);
    else if (searched_.embedder != nullptr)
        nearness_.find(searched_.embedder->embed_question(query_.text), tuning_.vectors_max);
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
    scratch_.joined.resize(size_);
    ScoreLine({words_part(), forms_part(0)}).join(scratch_.joined);
    const auto places = best_places(scratch_.joined, tuning_.completed_max);
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

void Ranking::score_all_episodes() {
    const Saturation saturation{.k1 = tuning_.word_k1, .b = tuning_.episode_b};
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        parts_[i].episodes = score_episodes(*parts_[i].partition, words_.terms,
                                            words_.occurrences[i], words_.weights, saturation);
        best_episodes_ = std::max<double>(best_episodes_, largest(parts_[i].episodes));
    }
}

ScoreLine::Part share(std::span<const float> scores, double weight, double best, float floor) {
    return {scores, best > 0 ? static_cast<float>(weight / best) : 0.0F, floor};
}

ScoreLine::Part Ranking::words_part() const {
    return share(scratch_.words, 1 - tuning_.form_weight, best_words_, 0);
}

ScoreLine::Part Ranking::forms_part(float floor) const {
    return share(scratch_.forms, tuning_.form_weight, best_forms_, floor);
}

// How much of the question the best document covers.
double Ranking::confidence() const {
    double out = nearness_.best();
    if (words_.weights.ideal > 0) out = std::max(out, best_words_ / words_.weights.ideal);
    if (forms_.weights.ideal > 0) out = std::max(out, best_forms_ / forms_.weights.ideal);
    return std::min(1.0, out);
}

std::vector<Hit> Ranking::hits() {
    // Below, going to another thread takes longer than the work.
    constexpr std::size_t kAsideFrom = 16'384;
    const auto post = size_ < kAsideFrom ? Post() : searched_.post;
    const bool by_vector = !query_.vector.empty() || searched_.embedder != nullptr;
    Aside nearest(by_vector ? post : Post(), [this] { find_nearest(); });
    Aside forms(post, [this] { ask_forms(); });
    ask_words();
    score_all_episodes();
    forms.finish();
    nearest.finish();
    complete();
    const auto form_floor = static_cast<float>(tuning_.form_floor * forms_.weights.ideal);
    if (best_forms_ < form_floor) best_forms_ = 0;
    Surroundings surroundings({.parts = parts_,
                               .texts = {words_part(), forms_part(form_floor)},
                               .nearness = nearness_,
                               .best_episode = best_episodes_,
                               .words = words_.terms,
                               .tuning = tuning_,
                               .rows = scratch_.episodes});
    const auto chosen = choose(surroundings);
    std::vector<Hit> out;
    for (const auto& candidate : chosen)
        out.push_back({candidate.key, confidence() * candidate.score / surroundings.best()});
    return out;
}

// The last places of a long answer are for episodes that it has not named yet, if there are any
// among the next that come.
std::vector<Candidate> Ranking::choose(Surroundings& surroundings) const {
    constexpr std::size_t kLookedAtTimes = 8;
    std::vector<Candidate> out;
    std::vector<Candidate> more;  // of episodes that are named
    std::set<std::size_t> named;
    for (std::size_t looked_at = 0; out.size() < query_.limit; ++looked_at) {
        if (looked_at >= kLookedAtTimes * query_.limit && out.size() + more.size() >= query_.limit)
            break;
        const auto candidate = surroundings.next();
        if (!candidate) break;
        if (query_.accept && !query_.accept(candidate->key)) continue;
        const bool is_new = named.insert(candidate->episode).second;
        const bool is_wanted = is_new || out.size() < tuning_.broad_from;
        if (is_wanted || more.size() < query_.limit) (is_wanted ? out : more).push_back(*candidate);
    }
    const auto missing = std::min(query_.limit - out.size(), more.size());
    out.insert(out.end(), more.begin(), more.begin() + static_cast<std::ptrdiff_t>(missing));
    std::ranges::sort(out, [](const auto& a, const auto& b) { return b < a; });
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

std::vector<Hit> rank(const Query& query, const Searched& searched, Scratch& scratch) {
    return Ranking(query, searched, scratch).hits();
}

}  // namespace ac::search
