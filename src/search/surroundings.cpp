#include "search/surroundings.h"

#include <algorithm>
#include <utility>

#include "search/score_line.h"

namespace ac::search {

namespace {

constexpr std::size_t kFirstOpened = 32;  // episodes; more each time that they are not enough

}  // namespace

Surroundings::Surroundings(const Given& given) : given_(given), line_(with_nearness()) {
    first_episode_.push_back(0);
    for (const auto& part : given_.parts)
        first_episode_.push_back(first_episode_.back() + part.partition->episodes());
    sum_up();
    bound_spread();
    compare_best();
    const float best = best_spread();
    if (best > 0 && given_.best_episode > 0) {
        scale_ = 1 / best;
        episode_share_ = static_cast<float>(given_.tuning.episode_weight / given_.best_episode);
    }
    if (const float own = largest(given_.rows.best); own > 0)
        highlight_share_ = static_cast<float>(given_.tuning.highlight_weight) / own;
    bound_all();
}

ScoreLine Surroundings::with_nearness() const {
    const auto best = given_.nearness.best();
    const auto weight = best > 0 ? static_cast<float>(given_.tuning.vector_weight / best) : 0.0F;
    return given_.texts.with({given_.nearness.scores(), weight, 0});
}

void Surroundings::sum_up() {
    auto& [best, sum, bound] = given_.rows;
    for (auto* row : {&best, &sum, &bound}) row->resize(first_episode_.back());
    const bool is_sparse = given_.nearness.is_sparse();
    const auto& line = is_sparse ? given_.texts : line_;
    std::size_t at = 0;
    for (const auto& part : given_.parts)
        for (std::size_t i = 0; i < part.partition->episodes(); ++i, ++at) {
            const auto extent = extent_of(line, part, i);
            best[at] = extent.best;
            sum[at] = extent.sum;
        }
    if (is_sparse) sum_up_near();
}

void Surroundings::sum_up_near() {
    auto before = first_episode_.back();
    for (const auto document : given_.nearness.places()) {
        const auto episode = episode_of(document);
        if (std::exchange(before, episode.place) != episode.place) sum_up(episode);
    }
}

void Surroundings::sum_up(const Episode& episode) {
    const auto extent = extent_of(line_, *episode.part, episode.number);
    given_.rows.best[episode.place] = extent.best;
    given_.rows.sum[episode.place] = extent.sum;
}

// Of the most promising episodes, the documents that make them so.
void Surroundings::compare_best() {
    constexpr float kShare = 0.5;  // of the episode's best
    const auto is_partial = [&](const Part& part) { return given_.nearness.is_partial(part); };
    if (std::ranges::none_of(given_.parts, is_partial)) return;
    const auto& tuning = given_.tuning;
    const auto most = tuning.compared_max + given_.rows.bound.size() / tuning.compared_each;
    const auto places = best_places(given_.rows.bound, most);
    std::vector<std::uint32_t> slots;
    for (std::size_t i = 0; i < places.size(); ++i) {
        const auto episode = episode_at(places[i]);
        const auto floor = kShare * given_.rows.best[episode.place];
        for (const auto slot : slots_of(episode))
            if (line_.at(episode.part->first + slot) >= floor) slots.push_back(slot);
        if (i + 1 < places.size() && episode_at(places[i + 1]).part == episode.part) continue;
        if (is_partial(*episode.part))
            given_.nearness.look_at(*episode.part, slots, Nearness::Best::follows);
        slots.clear();
    }
    line_ = with_nearness();
    if (given_.nearness.is_sparse())
        sum_up_near();
    else
        sum_up();
    bound_spread();
}

ScoreLine::Extent Surroundings::extent_of(const ScoreLine& line, const Part& part,
                                          std::size_t episode) const {
    const auto& partition = *part.partition;
    const auto begin = partition.episode_starts()[episode];
    const auto end = partition.episode_end(episode);
    if (partition.is_sequential()) return line.extent(part.first + begin, end - begin);
    ScoreLine::Extent out;
    for (const auto slot : partition.by_time().subspan(begin, end - begin)) {
        const float score = line.at(part.first + slot);
        out.best = std::max(out.best, score);
        out.sum += score;
    }
    return out;
}

// A document has each neighbour's part once, and each weight twice.
void Surroundings::bound_spread() {
    float nearest = 0;
    float all = 1;
    for (const auto weight : given_.tuning.neighbour_weights) {
        nearest = std::max(nearest, static_cast<float>(weight));
        all += 2 * static_cast<float>(weight);
    }
    auto& [best, sum, bound] = given_.rows;
    for (std::size_t i = 0; i < bound.size(); ++i)
        bound[i] = std::min(best[i] + nearest * (sum[i] - best[i]), all * best[i]);
}

float Surroundings::best_spread() {
    float best = 0;
    for (floor_ = largest(given_.rows.bound);;) {
        const float bound = queue_.empty() ? floor_ : queue_.back().bound;
        if (bound <= best) return best;
        if (queue_.empty()) {
            refill();
            continue;
        }
        look_at(queue_.back());
        spread(queue_.back(), [&](std::uint32_t, float score) { best = std::max(best, score); });
        queue_.pop_back();
    }
}

void Surroundings::bound_all() {
    bound_spread();
    auto& [best, sum, bound] = given_.rows;
    const float favour =
        names_somebody() ? static_cast<float>(1 + given_.tuning.speaker_weight) : 1.0F;
    for (std::size_t part = 0; part < given_.parts.size(); ++part) {
        const auto& episodes = given_.parts[part].episodes;
        for (std::size_t i = 0; i < episodes.size(); ++i) {
            const auto at = first_episode_[part] + i;
            bound[at] = favour * (bound[at] * scale_ + episode_share_ * episodes[i] +
                                  highlight_share_ * best[at]);
        }
    }
    queue_.clear();
    floor_ = largest(bound);
    refilled_ = 0;
}

bool Surroundings::names_somebody() const {
    for (const auto& part : given_.parts)
        for (std::size_t i = 0; i < given_.words.size(); ++i)
            if (given_.words.is_asked(i) && part.partition->may_speak(given_.words.id(i)))
                return true;
    return false;
}

bool Surroundings::is_named(const Partition& partition, std::uint32_t slot) const {
    return given_.words.asks_for(partition.speaker(slot));
}

Surroundings::Episode Surroundings::episode_at(std::size_t place) const {
    const auto after = std::ranges::upper_bound(first_episode_, place);
    const auto part = static_cast<std::size_t>(after - first_episode_.begin()) - 1;
    return {.part = &given_.parts[part],
            .number = static_cast<std::uint32_t>(place - first_episode_[part]),
            .bound = given_.rows.bound[place],
            .place = place};
}

Surroundings::Episode Surroundings::episode_of(std::size_t document) const {
    const auto after = std::ranges::upper_bound(given_.parts, document, {}, &Part::first);
    const auto part = static_cast<std::size_t>(after - given_.parts.begin()) - 1;
    const auto& [partition, first, episodes] = given_.parts[part];
    return episode_at(first_episode_[part] +
                      partition->episode(static_cast<std::uint32_t>(document - first)));
}

// Once: what is added to its documents' scores is not in its bound.
void Surroundings::look_at(const Episode& episode) {
    if (!given_.nearness.is_partial(*episode.part)) return;
    if (!looked_at_.insert(episode.place).second) return;
    given_.nearness.look_at(*episode.part, slots_of(episode), Nearness::Best::stays);
    sum_up(episode);
}

void Surroundings::refill() {
    const auto count = refilled_ == 0 ? kFirstOpened : refilled_ * 3;
    refilled_ += count;
    queue_.clear();
    for (const auto place : best_places(given_.rows.bound, count)) {
        queue_.push_back(episode_at(place));
        given_.rows.bound[place] = 0;
    }
    std::ranges::sort(queue_, [](const Episode& a, const Episode& b) {
        return std::pair(a.bound, a.place) < std::pair(b.bound, b.place);
    });
    floor_ = queue_.size() < count ? 0 : queue_.front().bound;
}

std::span<const std::uint32_t> Surroundings::slots_of(const Episode& episode) {
    const auto& partition = *episode.part->partition;
    const auto begin = partition.episode_starts()[episode.number];
    return partition.by_time().subspan(begin, partition.episode_end(episode.number) - begin);
}

// Documents of one moment have no order and are no neighbours: facts stored in one batch stay
// apart.
template <class Visit>
void Surroundings::spread(const Episode& episode, Visit visit) {
    const auto& partition = *episode.part->partition;
    const auto slots = slots_of(episode);
    own_.resize(slots.size());
    for (std::size_t i = 0; i < slots.size(); ++i)
        own_[i] = line_.at(episode.part->first + slots[i]);
    const auto& weights = given_.tuning.neighbour_weights;
    for (std::size_t i = 0; i < slots.size(); ++i) {
        float sum = own_[i];
        const auto take = [&](std::size_t from, double weight) {
            if (own_[from] > 0 && partition.time_ms(slots[from]) != partition.time_ms(slots[i]))
                sum += static_cast<float>(weight) * own_[from];
        };
        for (std::size_t d = 1; d <= weights.size(); ++d) {
            if (i >= d) take(i - d, weights[d - 1]);
            if (i + d < slots.size()) take(i + d, weights[d - 1]);
        }
        visit(slots[i], sum);
    }
}

// What every document of the episode gets.
float Surroundings::rest(const Episode& episode) const {
    return episode_share_ * episode.part->episodes[episode.number] +
           highlight_share_ * given_.rows.best[episode.place];
}

void Surroundings::add_candidates(const Episode& episode) {
    const auto& partition = *episode.part->partition;
    const auto more = static_cast<float>(1 + given_.tuning.speaker_weight);
    look_at(episode);
    const float common = rest(episode);
    spread(episode, [&](std::uint32_t slot, float spread_score) {
        float score = spread_score * scale_ + common;
        if (is_named(partition, slot)) score *= more;
        if (score <= 0 || !partition.is_live(slot)) return;
        candidates_.push_back({score, partition.key(slot), episode.place});
        std::push_heap(candidates_.begin(), candidates_.end());
    });
}

std::optional<Candidate> Surroundings::next() {
    for (;;) {
        const float bound = queue_.empty() ? floor_ : queue_.back().bound;
        if (bound <= 0 || (!candidates_.empty() && candidates_.front().score > bound)) break;
        if (queue_.empty()) {
            refill();
            continue;
        }
        add_candidates(queue_.back());
        queue_.pop_back();
    }
    if (candidates_.empty()) return std::nullopt;
    std::pop_heap(candidates_.begin(), candidates_.end());
    const auto out = candidates_.back();
    candidates_.pop_back();
    best_ = std::max(best_, out.score);
    return out;
}

}  // namespace ac::search
