#pragma once
// Bodies are read as they come, never whole: a Body is one message's content after the transfer
// coding has been undone.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "async/task.h"

namespace ac::net {

class Body {
  public:
    virtual ~Body() = default;
    // At least one byte, or 0 at the end. `out` must live until the Task is done. Errors:
    // cancelled (the peer went away in the middle), too_large, deadline_exceeded, invalid_argument
    // (broken chunked coding).
    virtual Task<std::size_t> read_some(std::span<char> out) = 0;
    // What Content-Length said; nullopt with chunked coding.
    virtual std::optional<std::uint64_t> length() const = 0;
};

// Reads to the end; too_large over `max_bytes`.
Task<std::string> read_all(Body& body, std::size_t max_bytes);

// A body that is already in memory.
class StringBody final : public Body {
  public:
    explicit StringBody(std::string text) : text_(std::move(text)) {}
    Task<std::size_t> read_some(std::span<char> out) override;
    std::optional<std::uint64_t> length() const override { return text_.size(); }

  private:
    std::string text_;
    std::size_t offset_ = 0;
};

}  // namespace ac::net
