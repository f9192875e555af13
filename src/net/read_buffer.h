#pragma once
// Bytes that have arrived and were not used yet. Starts small and grows to a bound that its owner
// sets with each call, so that ten thousand idle connections stay cheap.

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"

namespace ac::net {

class ReadBuffer final {
  public:
    static constexpr std::size_t kInitialBytes = 4 * 1024;

    std::string_view text() const { return {data_.get() + begin_, end_ - begin_}; }
    std::size_t size() const { return end_ - begin_; }
    bool empty() const { return begin_ == end_; }

    // Room for at least one byte while size() < `max`, empty otherwise. Invalidates text().
    std::span<char> prepare(std::size_t max) {
        if (begin_ == end_) begin_ = end_ = 0;
        if (end_ == capacity_) make_room(max);
        const std::size_t room = std::min(capacity_ - end_, max > size() ? max - size() : 0);
        return {data_.get() + end_, room};
    }
    void commit(std::size_t bytes) { end_ += bytes; }
    // Overwrites what it drops: a connection is kept long after a secret has passed through it.
    void consume(std::size_t bytes) {
        AC_ASSERT(bytes <= size());
        std::memset(data_.get() + begin_, 0, bytes);
        begin_ += bytes;
    }
    // Gives memory back that one large message took.
    void shrink() {
        if (empty() && capacity_ > kInitialBytes) {
            data_.reset();
            begin_ = end_ = capacity_ = 0;
        }
    }

  private:
    void make_room(std::size_t max) {
        const std::size_t used = size();
        if (begin_ > 0) {
            std::memmove(data_.get(), data_.get() + begin_, used);
            std::memset(data_.get() + used, 0, begin_);
        } else if (capacity_ < max) {
            const std::size_t grown =
                capacity_ == 0 ? std::min(kInitialBytes, max) : std::min(capacity_ * 2, max);
            auto bigger = std::make_unique_for_overwrite<char[]>(grown);
            if (used > 0) std::memcpy(bigger.get(), data_.get(), used);
            data_ = std::move(bigger);
            capacity_ = grown;
        }
        begin_ = 0;
        end_ = used;
    }

    std::unique_ptr<char[]> data_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace ac::net
