#pragma once
// The Duplex of a connection whose Stream and read-ahead belong to an HTTP exchange.

#include <algorithm>
#include <cstring>

#include "net/duplex.h"
#include "net/read_buffer.h"
#include "net/stream.h"

namespace ac::net {

class StreamDuplex final : public Duplex {
  public:
    // Both outlive it.
    StreamDuplex(Stream& stream, ReadBuffer& buffer, Milliseconds patience)
        : stream_(stream), buffer_(buffer), patience_(patience) {}

    Task<std::size_t> read_some(std::span<char> out, SteadyTime deadline) override;
    Task<> write(std::string_view bytes) override;
    void end_writes() override { stream_.shutdown_write(); }
    void abort() override { stream_.reset(); }

  private:
    Stream& stream_;
    ReadBuffer& buffer_;
    const Milliseconds patience_;
};

}  // namespace ac::net
