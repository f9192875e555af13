#pragma once
// Which documents (slots) have a term, and how often: one packed list a term, or, where that would
// be as large, a bitmap with the counts above 1 packed beside it. Lists only grow, in order of
// slot; who removes documents builds the lists anew from time to time. Not synchronized.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "search/bitmap.h"
#include "search/packed_terms.h"

namespace ac::search {

using TermId = std::uint32_t;

class Postings final {
  public:
    class List {
      public:
        std::size_t frequency() const { return frequency_; }
        template <class Visit>  // void(std::uint32_t slot, std::uint32_t count)
        void for_each(Visit visit) const {
            if (!bitmap_) return for_each_packed(data(), data() + size_, visit);
            const auto* more = data();
            Counted next = next_repeated(more, ~0U);
            bitmap_->for_each([&](std::uint32_t slot) {
                if (slot != next.number) return visit(slot, 1U);
                visit(slot, next.count);
                next = next_repeated(more, slot);
            });
        }
        // nullptr: a packed list. Else that are its slots, and packed() has those with a count
        // above 1.
        const Bitmap* bitmap() const { return bitmap_.get(); }
        PackedCursor packed() const { return {data(), data() + size_}; }

      private:
        friend class Postings;
        static constexpr std::uint32_t kInline = 12;
        // A bitmap of all slots is read in the time of a packed list of half its bytes.
        static constexpr std::uint32_t kSlotsAByte = 16;
        static constexpr std::uint32_t kBitmapFrom = 256;  // bytes of a packed list
        static constexpr TermId kNone = ~0U;

        const std::uint8_t* data() const { return capacity_ == 0 ? inline_ : heap_.get(); }
        std::uint8_t* reserve(std::uint32_t more);
        void append(Counted posting);
        void append_packed(Counted posting);
        void become_bitmap();
        Counted next_repeated(const std::uint8_t*& from, std::uint32_t before) const {
            if (from == data() + size_) return {~0U, 0};
            const auto gap = unpack_number(from);
            return {before + (gap >> 1), (gap & 1) != 0 ? unpack_number(from) : 1};
        }

        std::unique_ptr<Bitmap> bitmap_;
        std::unique_ptr<std::uint8_t[]> heap_;
        TermId term_ = kNone;
        std::uint32_t last_ = ~0U;  // slot of the last packed posting
        std::uint32_t frequency_ = 0;
        std::uint32_t size_ = 0;
        std::uint32_t capacity_ = 0;  // of the heap; 0: the bytes are in here
        std::uint8_t inline_[kInline] = {};
    };

    // `slot` is above all before; terms are distinct.
    void add(std::uint32_t slot, std::span<const Counted> terms);
    const List* find(TermId term) const;  // nullptr: no document has it
    std::size_t bytes() const;

  private:
    List& find_or_make(TermId term);
    void grow();

    std::vector<List> table_;  // open addressing; a power of two
    std::size_t used_ = 0;
};

}  // namespace ac::search
