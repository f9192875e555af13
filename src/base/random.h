#pragma once
// Randomness as a value passed in. SystemRandom is cryptographic (getrandom(2)); SeededRandom
// repeats itself, for tests and simulations.

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <random>
#include <span>
#include <string>

namespace ac {

// Thread-safe.
class Random {
  public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::byte> out) = 0;
};

class SystemRandom final : public Random {
  public:
    void fill(std::span<std::byte> out) override;

  private:
    // Small requests (ids) share one system call; what was given out is wiped.
    std::mutex mutex_;
    std::array<std::byte, 1024> reserve_{};
    std::size_t left_ = 0;
};

class SeededRandom final : public Random {
  public:
    explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
    void fill(std::span<std::byte> out) override;

  private:
    std::mutex mutex_;
    std::mt19937_64 engine_;
};

// `length` characters of [0-9A-Za-z], uniform: the tail of AWS's resource ids.
std::string random_alphanumeric(Random& random, std::size_t length);
// The same of [0-9a-z].
std::string random_lower_alphanumeric(Random& random, std::size_t length);
// RFC 9562 version 4, lower case.
std::string random_uuid(Random& random);

}  // namespace ac
