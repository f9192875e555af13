#include "crypto/secret_bytes.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

#include "base/result.h"
#include "crypto/wipe.h"

namespace ac {
namespace {

constexpr std::size_t kBlockBytesMin = 64;
// One segment holds many secrets: locking is a system call, and its limit is counted in pages.
constexpr std::size_t kSegmentBytes = 256 * 1024;

std::atomic<bool> all_locked{true};

char* map_segment(std::size_t size) {
    void* const memory =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    madvise(memory, size, MADV_DONTDUMP);
    if (mlock(memory, size) != 0) all_locked = false;
    return static_cast<char*>(memory);
}

// Blocks of powers of two, each size with its own list of free ones. Segments are never given back:
// what is in use at once is bounded by the requests under way.
class Arena final {
  public:
    char* take(std::size_t capacity) {
        const std::lock_guard lock(mutex_);
        auto& head = free_[class_of(capacity)];
        if (head == nullptr) carve(capacity);
        Block* const block = head;
        head = block->next;
        block->next = nullptr;
        return reinterpret_cast<char*>(block);
    }

    void give_back(char* memory, std::size_t capacity) {
        wipe(memory, capacity);
        const std::lock_guard lock(mutex_);
        auto& head = free_[class_of(capacity)];
        head = new (memory) Block{head};
    }

  private:
    struct Block {
        Block* next;
    };

    static std::size_t class_of(std::size_t capacity) {
        return static_cast<std::size_t>(std::countr_zero(capacity));
    }

    void carve(std::size_t capacity) {
        const std::size_t size = std::max(capacity, kSegmentBytes);
        char* const segment = map_segment(size);
        auto& head = free_[class_of(capacity)];
        for (std::size_t at = 0; at + capacity <= size; at += capacity)
            head = new (segment + at) Block{head};
    }

    std::mutex mutex_;
    std::array<Block*, 48> free_{};
};

// The pages belong to the process, as the heap does; leaked so that it outlives every static.
Arena& arena() {
    static Arena* const kArena = new Arena();
    return *kArena;
}

}  // namespace

SecretBytes::SecretBytes(std::string_view bytes) {
    if (bytes.empty()) return;
    *this = of_size(bytes.size());
    std::memcpy(data_, bytes.data(), bytes.size());
}

SecretBytes SecretBytes::of_size(std::size_t size) {
    SecretBytes out;
    if (size == 0) return out;
    out.capacity_ = std::bit_ceil(std::max(size, kBlockBytesMin));
    out.data_ = arena().take(out.capacity_);
    out.size_ = size;
    return out;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
    if (this == &other) return *this;
    drop();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
}

SecretBytes::~SecretBytes() {
    drop();
}

void SecretBytes::shrink(std::size_t size) {
    AC_ASSERT(size <= size_);
    wipe(data_ + size, size_ - size);
    size_ = size;
}

void SecretBytes::drop() {
    if (data_ != nullptr) arena().give_back(data_, capacity_);
    data_ = nullptr;
    size_ = capacity_ = 0;
}

bool secret_memory_is_locked() {
    return all_locked;
}

}  // namespace ac
