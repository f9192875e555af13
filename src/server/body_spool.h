#pragma once
// A request body taken in whole before anything acts on it, because its signature can be checked
// only then. Up to kSpoolMemoryBytesMax it stays in memory, and larger ones as far as SpoolMemory
// has room; what is left goes to a nameless file, so that a hundred large requests cost disk, not
// memory.

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "async/thread_pool.h"
#include "base/file.h"
#include "crypto/hash.h"
#include "net/body.h"
#include "net/whole_body.h"

namespace ac::server {

inline constexpr std::size_t kSpoolMemoryBytesMax = 1 << 20;
inline constexpr std::size_t kSpoolMemoryAllMax = std::size_t{512}
                                                  << 20;  // three uploads of 100 MB

// What all large bodies together may hold of memory. Thread-safe; outlives the spools.
class SpoolMemory final {
  public:
    explicit SpoolMemory(std::size_t bytes_max) : left_(bytes_max) {}
    bool take(std::size_t bytes);
    void give_back(std::size_t bytes) { left_ += bytes; }

  private:
    std::atomic<std::size_t> left_;
};

// Where bodies are kept. All outlive the spools.
struct SpoolPlace {
    const std::string& folder;  // of the nameless files
    ThreadPool& pool;
    SpoolMemory& memory;
};

class BodySpool final : public net::Body, public net::WholeBody {
  public:
    // too_large over `max_bytes`, unavailable when the disk is full.
    static Task<std::unique_ptr<BodySpool>> take(net::Body& body, std::uint64_t max_bytes,
                                                 SpoolPlace place);
    ~BodySpool() override { place_.memory.give_back(held_); }
    BodySpool(const BodySpool&) = delete;
    BodySpool& operator=(const BodySpool&) = delete;

    const std::string& sha256_hex() const { return sha256_hex_; }
    std::uint64_t size() const { return size_; }
    // The whole body, when it is in memory.
    const std::string* in_memory() const { return file_ ? nullptr : &memory_; }

    Task<std::size_t> read_some(std::span<char> out) override;
    std::optional<std::uint64_t> length() const override { return size_; }
    std::optional<std::string> take_whole() override;

  private:
    explicit BodySpool(SpoolPlace place) : place_(place) {}
    Task<> take_small(net::Body& body);
    Task<> take_in_memory(net::Body& body, std::size_t size);
    Task<std::size_t> read_block(net::Body& body, std::size_t want);
    Task<> take_pieces(net::Body& body, std::uint64_t max_bytes);
    Task<> keep(std::string_view bytes, Hasher& hasher);

    const SpoolPlace place_;
    std::string memory_;
    std::size_t held_ = 0;  // of the memory that all share
    UniqueFd file_;
    std::uint64_t size_ = 0;
    std::uint64_t offset_ = 0;
    std::string sha256_hex_;
};

}  // namespace ac::server
