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

// Overwrites `kWipedStackBytes` below the caller's frame: parsers keep pieces of their input there.
void wipe_stack();

}  // namespace ac
