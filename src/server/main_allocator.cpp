// The daemon's operator delete overwrites what it frees, so that what a secret passed through on
// its way (request bodies, JSON, answers) leaves no copy behind in free memory. Linked into
// agentcored alone, not under sanitizers, which bring an allocator of their own.

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

// Above it are file and payload buffers, which are given back to the system when they are freed.
constexpr std::size_t kWipedBytesMax = std::size_t{1} << 20;

void* take(std::size_t size) {
    while (true) {
        if (void* const memory = std::malloc(std::max<std::size_t>(size, 1))) return memory;
        const std::new_handler handler = std::get_new_handler();
        if (!handler) throw std::bad_alloc();
        handler();
    }
}

void* take_aligned(std::size_t size, std::align_val_t alignment) {
    void* memory = nullptr;
    const auto boundary = std::max(static_cast<std::size_t>(alignment), sizeof(void*));
    if (posix_memalign(&memory, boundary, std::max<std::size_t>(size, 1)) != 0)
        throw std::bad_alloc();
    return memory;
}

void give_back(void* memory) noexcept {
    if (!memory) return;
    std::memset(memory, 0, std::min(malloc_usable_size(memory), kWipedBytesMax));
    // Keeps the memset, which is dead as far as the compiler knows.
    asm volatile("" : : "r"(memory) : "memory");
    std::free(memory);
}

}  // namespace

void* operator new(std::size_t size) {
    return take(size);
}
void* operator new[](std::size_t size) {
    return take(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return take_aligned(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return take_aligned(size, alignment);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return std::malloc(std::max<std::size_t>(size, 1));
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return std::malloc(std::max<std::size_t>(size, 1));
}
void operator delete(void* memory) noexcept {
    give_back(memory);
}
void operator delete[](void* memory) noexcept {
    give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    give_back(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    give_back(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
    give_back(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
    give_back(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    give_back(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
    give_back(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
    give_back(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    give_back(memory);
}
