#include "search/index.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <map>
#include <mutex>
#include <shared_mutex>

#include "search/ranking.h"
#include "search/tokenizer.h"

namespace ac::search {

namespace {

class HybridIndex final : public Index {
  public:
    HybridIndex(const Embedder* embedder, Tuning tuning, Post post)
        : embedder_(embedder), tuning_(std::move(tuning)), post_(std::move(post)) {}

    using Index::put;
    void put(Analysis analysis, Linking linking) override;
    bool link(std::size_t most) override;
    std::vector<GraphState> graphs() const override;
    GraphImage graph_image(std::string_view space) const override;
    Result<std::size_t> restore_graph(std::string_view space, std::string_view image) override;
    void remove(Key key) override;
    bool contains(Key key) const override;
    void attach(Key key, std::span<const float> vector) override;
    std::vector<Hit> search(const Query& query) const override;
    Statistics statistics() const override;

  private:
    struct Place {
        Partition* partition = nullptr;
        std::uint32_t slot = 0;
    };
    void remove_locked(Key key);
    void attach_locked(Partition& partition, std::uint32_t slot, std::span<const float> vector,
                       Linking linking);
    std::vector<const Partition*> selected(const SpaceFilter& filter) const;
    std::vector<Hit> answer(const Query& query) const;  // every partition is in order
    // So that search() mostly finds every partition in order without a writer's lock.
    void order_all() const;
    void order_locked() const;

    const Embedder* embedder_;
    Tuning tuning_;
    Post post_;
    mutable std::shared_mutex mutex_;  // guards all below
    std::map<std::string, std::unique_ptr<Partition>, std::less<>> spaces_;
    std::uint64_t renumbered_ = 0;  // how often rows of a partition got other numbers, or went
    Vocabulary vocabulary_;
    boost::unordered_flat_map<Key, Place> places_;
    mutable std::vector<Partition*> unordered_;
    mutable ScratchPool scratch_;
};

void HybridIndex::put(Analysis analysis, Linking linking) {
    auto& document = analysis.document;
    if (document.vector.empty() && embedder_) document.vector = embedder_->embed(document.text);
    Partition::Added added{
        .key = document.key, .time_ms = document.time_ms, .words = {}, .forms = {}};
    const std::unique_lock lock(mutex_);
    remove_locked(document.key);
    auto& partition = spaces_[document.space];
    if (!partition) partition = std::make_unique<Partition>();
    std::vector<FormId> forms;
    std::vector<TermId> words;
    for (const auto& form : analysis.forms) {
        forms.push_back(vocabulary_.add_form(form));
        words.push_back(vocabulary_.term_of(forms.back()));
    }
    added.forms = count_terms(std::move(forms));
    added.words = count_terms(std::move(words));
    if (!analysis.speaker.empty()) added.speaker = vocabulary_.add_term(analysis.speaker);
    if (partition->is_ordered()) unordered_.push_back(partition.get());
    const auto slot = partition->add(added);
    places_[document.key] = {partition.get(), slot};
    if (!document.vector.empty()) attach_locked(*partition, slot, document.vector, linking);
}

void HybridIndex::attach_locked(Partition& partition, std::uint32_t slot,
                                std::span<const float> vector, Linking linking) {
    // More than one a vector, so that a graph that began late catches up.
    constexpr std::size_t kLinkedAtOnce = 4;
    partition.attach(slot, vector);
    if (linking == Linking::now) (void)partition.link(kLinkedAtOnce, tuning_.graph_from);
}

bool HybridIndex::link(std::size_t most) {
    const std::unique_lock lock(mutex_);
    return std::ranges::any_of(
        spaces_, [&](const auto& item) { return item.second->link(most, tuning_.graph_from); });
}

std::vector<Index::GraphState> HybridIndex::graphs() const {
    const std::shared_lock lock(mutex_);
    std::vector<GraphState> out;
    for (const auto& [space, partition] : spaces_) {
        const auto* vectors = partition->vectors();
        if (vectors == nullptr || (!vectors->has_graph() && vectors->size() < tuning_.graph_from))
            continue;
        const auto state = vectors->linked();
        out.push_back({space, state.rows, state.linked, state.changes});
    }
    return out;
}

Index::GraphImage HybridIndex::graph_image(std::string_view space) const {
    const std::shared_lock lock(mutex_);
    const auto found = spaces_.find(space);
    if (found == spaces_.end()) return {};
    const auto& partition = *found->second;
    if (partition.vectors() == nullptr || !partition.vectors()->has_graph()) return {};
    const auto key = [&](std::uint32_t slot) { return partition.key(slot); };
    return {partition.vectors()->image(key), partition.vectors()->linked().changes};
}

// Searches go on while the image is read; it is read again if rows were renumbered meanwhile.
Result<std::size_t> HybridIndex::restore_graph(std::string_view space, std::string_view image) {
    for (;;) {
        VectorRows::Restored made;
        std::uint64_t renumbered = 0;
        {
            const std::shared_lock lock(mutex_);
            const auto found = spaces_.find(space);
            if (found == spaces_.end() || found->second->vectors() == nullptr)
                return std::size_t{0};
            const auto slot = [&](Key key) {
                const auto place = places_.find(key);
                const bool is_here =
                    place != places_.end() && place->second.partition == found->second.get();
                return is_here ? place->second.slot : VectorRows::kGone;
            };
            AC_TRY(made, found->second->vectors()->restored(image, slot));
            renumbered = renumbered_;
        }
        if (made.rows == 0) return made.rows;
        const std::unique_lock lock(mutex_);
        if (renumbered != renumbered_) continue;
        spaces_.find(space)->second->take_graph(std::move(made.graph));
        return made.rows;
    }
}

void HybridIndex::attach(Key key, std::span<const float> vector) {
    const std::unique_lock lock(mutex_);
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    const auto [partition, slot] = found->second;
    if (partition->vectors() != nullptr && partition->vectors()->has(slot)) return;
    attach_locked(*partition, slot, vector, Linking::now);
}

bool HybridIndex::contains(Key key) const {
    const std::shared_lock lock(mutex_);
    return places_.contains(key);
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
        ++renumbered_;
        std::erase(unordered_, partition);
        std::erase_if(spaces_, [&](const auto& item) { return item.second.get() == partition; });
        return;
    }
    const bool was_ordered = partition->is_ordered();
    const bool moved = partition->compact_when_sparse(
        [&](Key key_moved, std::uint32_t slot) { places_[key_moved] = {partition, slot}; });
    if (moved) ++renumbered_;
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
    auto scratch = scratch_.take();
    const auto partitions = selected(query.spaces);
    const auto* embedder = query.embedder != nullptr ? query.embedder : embedder_;
    auto out = rank(query, {vocabulary_, partitions, embedder, tuning_, post_}, *scratch);
    scratch_.give_back(std::move(scratch));
    return out;
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

std::unique_ptr<Index> make_index(const Embedder* embedder, Tuning tuning, Post post) {
    return std::make_unique<HybridIndex>(embedder, std::move(tuning), std::move(post));
}

}  // namespace ac::search
