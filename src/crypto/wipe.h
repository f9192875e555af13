#pragma once
// Memory that held a secret is overwritten in a way the compiler may not drop.

#include <cstddef>
#include <span>
#include <string>

namespace ac {

void wipe(void* bytes, std::size_t size);
inline void wipe(std::span<char> bytes) {
    wipe(bytes.data(), bytes.size());
}
// The whole capacity; the string is empty afterwards.
void wipe(std::string& text);

// Overwrites 32 KiB below the caller's frame: parsers keep pieces of their input there.
void wipe_stack();

// The same at the end of a scope.
class StackWipe final {
  public:
    StackWipe() = default;
    StackWipe(const StackWipe&) = delete;
    StackWipe& operator=(const StackWipe&) = delete;
    ~StackWipe() { wipe_stack(); }
};

}  // namespace ac
