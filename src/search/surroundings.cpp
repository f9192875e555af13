#include "search/surroundings.h"

#include <algorithm>

namespace ac::search {

Surroundings::Surroundings(const Given& given, std::span<const std::uint32_t> places)
    : given_(given) {
    for (const auto weight : given_.tuning.neighbour_weights) {
        nearest_weight_ = std::max(nearest_weight_, static_cast<float>(weight));
        all_weights_ += 2 * static_cast<float>(weight);
    }
    for (const auto place : places) {
        const float score = given_.scores[place];
        floor_ = place == places.front() ? score : std::min(floor_, score);
        best_own_ = std::max(best_own_, score);
    }
    for (const auto& part : given_.parts) {
        const auto* begin = std::ranges::lower_bound(places, part.first).base();
        const auto* end =
            std::ranges::lower_bound(places, part.first + part.partition->slots()).base();
        if (begin != end) group(part, {begin, end});
    }
    weigh();
}

void Surroundings::group(const Part& part, std::span<const std::uint32_t> places) {
    const auto first = chosen_.size();
    for (const auto place : places) {
        const auto slot = place - static_cast<std::uint32_t>(part.first);
        chosen_.push_back({part.partition->episode(slot), slot});
        names_somebody_ = names_somebody_ || is_named(*part.partition, slot);
    }
    const auto own_part = std::span(chosen_).subspan(first);
    if (!std::ranges::is_sorted(own_part)) std::ranges::sort(own_part);
    for (auto i = first; i < chosen_.size(); ++i) {
        if (i == first || chosen_[i].episode != chosen_[i - 1].episode)
            groups_.push_back(
                {.part = &part, .first = static_cast<std::uint32_t>(i), .scored = {}});
        auto& group = groups_.back();
        const float score = own(part, chosen_[i].slot);
        group.end = static_cast<std::uint32_t>(i + 1);
        group.best = std::max(group.best, score);
        group.sum += score;
    }
}

bool Surroundings::is_named(const Partition& partition, std::uint32_t slot) const {
    const auto speaker = partition.speaker(slot);
    return given_.words.may_have(speaker) && given_.words.find(speaker);
}

float Surroundings::spread_bound(const Group& group) const {
    const float own = std::max(group.best, floor_ + nearest_weight_ * group.best);
    return own + nearest_weight_ * (group.sum - group.best) + all_weights_ * floor_;
}

// Documents of one moment have no order and are no neighbours: facts stored in one batch stay
// apart.
float Surroundings::with_neighbours(const Part& part, std::uint32_t position) const {
    const auto& partition = *part.partition;
    const auto by_time = partition.by_time();
    const auto slot = by_time[position];
    const auto episode = partition.episode(slot);
    const auto time = partition.time_ms(slot);
    float sum = own(part, slot);
    const auto take = [&](std::uint32_t from, double weight) {
        if (partition.episode(from) == episode && partition.time_ms(from) != time)
            sum += static_cast<float>(weight) * own(part, from);
    };
    const auto& weights = given_.tuning.neighbour_weights;
    for (std::uint32_t d = 1; d <= weights.size(); ++d) {
        if (position >= d) take(by_time[position - d], weights[d - 1]);
        if (position + d < by_time.size()) take(by_time[position + d], weights[d - 1]);
    }
    return sum;
}

float Surroundings::spread(Group& group) const {
    const auto& partition = *group.part->partition;
    const auto by_time = partition.by_time();
    const auto reach = static_cast<std::uint32_t>(given_.tuning.neighbour_weights.size());
    std::vector<std::uint32_t> positions;
    for (auto i = group.first; i < group.end; ++i) {
        const auto at = partition.position(chosen_[i].slot);
        for (auto near = at - std::min(at, reach); near <= at + reach && near < by_time.size();
             ++near)
            if (partition.episode(by_time[near]) == chosen_[i].episode) positions.push_back(near);
    }
    std::ranges::sort(positions);
    positions.erase(std::ranges::unique(positions).begin(), positions.end());
    float best = 0;
    for (const auto position : positions) {
        group.scored.emplace_back(by_time[position], with_neighbours(*group.part, position));
        best = std::max(best, group.scored.back().second);
    }
    return best;
}

void Surroundings::weigh() {
    for (auto& group : groups_) {
        group.bound = spread_bound(group);
        open_.push_back(&group);
    }
    std::ranges::make_heap(open_, ByBound());
    float best = 0;
    while (!open_.empty() && open_.front()->bound > best) {
        best = std::max(best, spread(*open_.front()));
        std::ranges::pop_heap(open_, ByBound());
        open_.pop_back();
    }
    const bool has_episodes = best > 0 && given_.best_episode > 0;
    if (has_episodes) {
        scale_ = 1 / best;
        episode_share_ = static_cast<float>(given_.tuning.episode_weight / given_.best_episode);
    }
    if (best_own_ > 0)
        highlight_share_ = static_cast<float>(given_.tuning.highlight_weight) / best_own_;
    const float favour =
        names_somebody_ ? static_cast<float>(1 + given_.tuning.speaker_weight) : 1.0F;
    open_.clear();
    for (auto& group : groups_) {
        // What was looked at tells more than a bound.
        float own = spread_bound(group);
        if (!group.scored.empty())
            own = std::ranges::max(group.scored, {}, [](const auto& one) {
                      return one.second;
                  }).second;
        group.bound = favour * (own * scale_ + rest(group));
        open_.push_back(&group);
    }
    std::ranges::make_heap(open_, ByBound());
}

// What every document of the episode gets.
float Surroundings::rest(const Group& group) const {
    return episode_share_ * group.part->episodes[episode_of(group)] + highlight_share_ * group.best;
}

void Surroundings::add_candidates(Group& group) {
    if (group.scored.empty()) spread(group);
    const auto& partition = *group.part->partition;
    const auto more = static_cast<float>(1 + given_.tuning.speaker_weight);
    for (const auto& [slot, spread_score] : group.scored) {
        float score = spread_score * scale_ + rest(group);
        if (is_named(partition, slot)) score *= more;
        if (score <= 0 || !partition.is_live(slot)) continue;
        candidates_.push_back({score, partition.key(slot)});
        std::push_heap(candidates_.begin(), candidates_.end());
    }
}

std::optional<Candidate> Surroundings::next() {
    while (!open_.empty() &&
           (candidates_.empty() || open_.front()->bound >= candidates_.front().score)) {
        add_candidates(*open_.front());
        std::ranges::pop_heap(open_, ByBound());
        open_.pop_back();
    }
    if (candidates_.empty()) return std::nullopt;
    std::pop_heap(candidates_.begin(), candidates_.end());
    const auto out = candidates_.back();
    candidates_.pop_back();
    return out;
}

}  // namespace ac::search
