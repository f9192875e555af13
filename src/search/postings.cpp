#include "search/postings.h"

#include <algorithm>
#include <cstring>

namespace ac::search {

namespace {

constexpr std::size_t kTableMin = 64;

std::size_t place(TermId term, std::size_t size) {
    return (term * std::uint64_t{0x9E3779B97F4A7C15} >> 32) & (size - 1);
}

}  // namespace

std::vector<Counted> count_terms(std::vector<std::uint32_t> terms) {
    std::ranges::sort(terms);
    std::vector<Counted> out;
    for (const auto term : terms) {
        if (out.empty() || out.back().number != term) out.push_back({term, 0});
        ++out.back().count;
    }
    return out;
}

std::uint8_t* Postings::List::reserve(std::uint32_t more) {
    const auto room = capacity_ == 0 ? kInline : capacity_;
    if (size_ + more > room) {
        // By a quarter only: there are many lists, and copying is cheap beside what fills them.
        const auto wanted = std::max(size_ + more, size_ + size_ / 4 + 8);
        auto grown = std::make_unique_for_overwrite<std::uint8_t[]>(wanted);
        std::memcpy(grown.get(), data(), size_);
        heap_ = std::move(grown);
        capacity_ = wanted;
    }
    return (capacity_ == 0 ? inline_ : heap_.get()) + size_;
}

void Postings::List::append(Counted posting) {
    ++frequency_;
    if (bitmap_) {
        bitmap_->set(posting.number);
        if (posting.count > 1) append_packed(posting);
        return;
    }
    append_packed(posting);
    if (size_ >= kBitmapFrom && size_ > posting.number / kSlotsAByte) become_bitmap();
}

void Postings::List::become_bitmap() {
    auto bitmap = std::make_unique<Bitmap>();
    std::vector<Counted> repeated;
    for_each([&](std::uint32_t slot, std::uint32_t count) {
        bitmap->set(slot);
        if (count > 1) repeated.push_back({slot, count});
    });
    bitmap_ = std::move(bitmap);
    heap_.reset();
    capacity_ = size_ = 0;
    last_ = ~0U;
    for (const auto& posting : repeated) append_packed(posting);
}

void Postings::List::append_packed(Counted posting) {
    const auto size = packed_size(posting, last_);
    pack(posting, last_, reserve(size));
    size_ += size;
    last_ = posting.number;
}

void Postings::add(std::uint32_t slot, std::span<const Counted> terms) {
    // The lists are all over the memory: all are asked for before the first is used.
    if (!table_.empty())
        for (const auto& one : terms) __builtin_prefetch(&table_[place(one.number, table_.size())]);
    for (const auto& [term, count] : terms) find_or_make(term).append({slot, count});
}

const Postings::List* Postings::find(TermId term) const {
    if (table_.empty()) return nullptr;
    for (auto at = place(term, table_.size());; at = (at + 1) & (table_.size() - 1)) {
        if (table_[at].term_ == term) return &table_[at];
        if (table_[at].term_ == List::kNone) return nullptr;
    }
}

Postings::List& Postings::find_or_make(TermId term) {
    if ((used_ + 1) * 4 > table_.size() * 3) grow();
    auto at = place(term, table_.size());
    while (table_[at].term_ != term && table_[at].term_ != List::kNone)
        at = (at + 1) & (table_.size() - 1);
    auto& list = table_[at];
    if (list.term_ == List::kNone) {
        list.term_ = term;
        ++used_;
    }
    return list;
}

void Postings::grow() {
    std::vector<List> old(std::max(kTableMin, table_.size() * 2));
    std::swap(old, table_);
    for (auto& list : old) {
        if (list.term_ == List::kNone) continue;
        auto at = place(list.term_, table_.size());
        while (table_[at].term_ != List::kNone) at = (at + 1) & (table_.size() - 1);
        table_[at] = std::move(list);
    }
}

std::size_t Postings::bytes() const {
    std::size_t sum = table_.capacity() * sizeof(List);
    for (const auto& list : table_)
        sum += list.capacity_ + (list.bitmap_ ? list.bitmap_->bytes() : 0);
    return sum;
}

}  // namespace ac::search
