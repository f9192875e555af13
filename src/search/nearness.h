#pragma once
// How near the documents of a query are to it by their vectors, above what unrelated documents have
// in common with it. Where vectors are many, only the nearest are found at first; others are
// compared when somebody looks at their documents.

#include <cstdint>
#include <span>
#include <vector>

#include "search/partition.h"
#include "search/vectors.h"

namespace ac::search {

class Nearness final {
  public:
    // `row` is the memory for the scores: all zero, and so again at the end. Both outlive it.
    Nearness(std::span<const Part> parts, std::vector<float>& row) : parts_(parts), row_(row) {}
    ~Nearness();
    Nearness(const Nearness&) = delete;
    Nearness& operator=(const Nearness&) = delete;

    // Finds what is near, `count` of each part that has a graph at least.
    void find(std::span<const float> question, std::size_t count);
    double best() const { return best_; }
    // Of the whole row of documents; empty: nothing is near.
    std::span<const float> scores() const;
    // The scores are these few places'; else every document may have one.
    bool is_sparse() const { return is_sparse_; }
    std::span<const std::uint32_t> places() const { return places_; }

    // Some vectors of the part may not have been compared.
    bool is_partial(const Part& part) const;
    // Makes the scores of those slots complete. What is nearer than best() becomes it only when
    // asked for, since scores are shares of it.
    enum class Best { stays, follows };
    void look_at(const Part& part, std::span<const std::uint32_t> slots, Best best);

  private:
    struct Found {
        float noise = 0;
        bool is_all = true;
    };
    const Found& found_in(const Part& part) const;
    void set(std::size_t place, float score);

    std::span<const Part> parts_;
    std::vector<float>& row_;
    Vectors::Rounded question_;
    std::vector<Found> found_;           // of each part; empty: nothing is near
    std::vector<std::uint32_t> places_;  // that were set, while they are few
    std::size_t few_ = 0;
    bool is_sparse_ = true;
    double best_ = 0;
};

}  // namespace ac::search
