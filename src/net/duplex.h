#pragma once
// A connection that HTTP has left, by an upgrade (RFC 9110 7.8) or by CONNECT (9.3.6): bytes both
// ways. One coroutine may read while another writes, on the connection's loop.

#include <memory>
#include <span>
#include <string_view>

#include "async/task.h"
#include "base/clock.h"
#include "base/file.h"

namespace ac::net {

class Duplex {
  public:
    virtual ~Duplex() = default;
    // 0 when the peer has ended its side. cancelled: reset, or abort() meanwhile;
    // deadline_exceeded.
    virtual Task<std::size_t> read_some(std::span<char> out, SteadyTime deadline) = 0;
    // All of it has left for the socket when this ends. deadline_exceeded: the peer does not read.
    virtual Task<> write(std::string_view bytes) = 0;
    // The peer reads the end of our side.
    virtual void end_writes() = 0;
    // Resets; whoever waits gets cancelled.
    virtual void abort() = 0;
};

// Of a connected socket. A write that makes no progress for `patience` fails.
std::unique_ptr<Duplex> make_duplex(Executor executor, UniqueFd connected, const Clock& clock,
                                    Milliseconds patience = Seconds{60});

// Copies both ways until both sides have ended, an error comes from either, or nothing moved for
// `idle_max`; then both are aborted unless both have ended.
Task<> relay(Duplex& a, Duplex& b, const Clock& clock, Milliseconds idle_max);

}  // namespace ac::net
