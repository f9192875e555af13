#pragma once
// A secret in memory: locked (never swapped out), left out of core dumps, overwritten when it is
// dropped. Copies are made only where copy() is written.
//
// The memory comes from pages of its own; where the system refuses to lock more of them
// (RLIMIT_MEMLOCK), they are still left out of dumps and wiped, and secret_memory_is_locked() says
// so.

#include <cstddef>
#include <span>
#include <string_view>

namespace ac {

class SecretBytes final {
  public:
    SecretBytes() = default;
    explicit SecretBytes(std::string_view bytes);
    // Zeros, to be filled through bytes().
    static SecretBytes of_size(std::size_t size);
    SecretBytes(SecretBytes&& other) noexcept;
    SecretBytes& operator=(SecretBytes&& other) noexcept;
    SecretBytes(const SecretBytes&) = delete;
    SecretBytes& operator=(const SecretBytes&) = delete;
    ~SecretBytes();

    SecretBytes copy() const { return SecretBytes(view()); }
    std::string_view view() const { return {data_, size_}; }
    std::span<char> bytes() { return {data_, size_}; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    // Overwrites what is behind `size`.
    void shrink(std::size_t size);

  private:
    void drop();

    char* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

// False once a page of secrets could not be locked.
bool secret_memory_is_locked();

}  // namespace ac
