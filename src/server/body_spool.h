#pragma once
// A request body taken in whole before anything acts on it, because its signature can be checked
// only then. Up to kSpoolMemoryBytesMax it stays in memory; what is larger goes to a nameless file,
// so that a hundred large requests cost disk, not memory.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "async/thread_pool.h"
#include "base/file.h"
#include "net/body.h"

namespace ac::server {

inline constexpr std::size_t kSpoolMemoryBytesMax = 1 << 20;

class BodySpool final : public net::Body {
  public:
    // too_large over `max_bytes`, unavailable when the disk is full. `folder` is where the nameless
    // file is made; `pool` outlives the spool.
    static Task<std::unique_ptr<BodySpool>> take(net::Body& body, std::uint64_t max_bytes,
                                                 const std::string& folder, ThreadPool& pool);

    const std::string& sha256_hex() const { return sha256_hex_; }
    std::uint64_t size() const { return size_; }
    // The whole body, when it is in memory.
    const std::string* in_memory() const { return file_ ? nullptr : &memory_; }

    Task<std::size_t> read_some(std::span<char> out) override;
    std::optional<std::uint64_t> length() const override { return size_; }

  private:
    explicit BodySpool(ThreadPool& pool) : pool_(pool) {}

    ThreadPool& pool_;
    std::string memory_;
    UniqueFd file_;
    std::uint64_t size_ = 0;
    std::uint64_t offset_ = 0;
    std::string sha256_hex_;
};

}  // namespace ac::server
