#pragma once
// The content of the message that a stream is at: undoes the transfer coding, keeps to the bounds,
// never reads past the message's end. The server's requests and the client's responses share it.

#include "net/body.h"
#include "net/chunk_decoder.h"
#include "net/http_head.h"
#include "net/loop_signal.h"
#include "net/read_buffer.h"
#include "net/stream.h"

namespace ac::net {

class MessageBody final : public Body {
  public:
    // `stream` and `buffer` outlive the body. `patience` bounds each read, `bytes_max` the whole.
    MessageBody(Stream& stream, ReadBuffer& buffer, Milliseconds patience, std::uint64_t bytes_max)
        : stream_(stream), buffer_(buffer), patience_(patience), bytes_max_(bytes_max) {}

    // No read waits longer than that, from here on.
    void set_deadline(SteadyTime deadline) { deadline_ = deadline; }

    // For the next message, whose head has just been consumed from the buffer.
    void begin(const Framing& framing);

    Task<std::size_t> read_some(std::span<char> out) override;
    std::optional<std::uint64_t> length() const override;

    // Reads and drops at most `bytes_max`; false when the end was not reached.
    asio::awaitable<bool, Executor> drop_rest(std::uint64_t bytes_max);

    bool is_complete() const { return complete_; }
    bool is_broken() const { return broken_.has_value(); }
    // "100 Continue" is owed: the peer waits for it before it sends the body.
    bool owes_continue() const { return owes_continue_; }
    void forgive_continue() { owes_continue_ = false; }
    // Content still to come, where that is known.
    std::optional<std::uint64_t> left() const;
    // Told when the body is complete or broken.
    LoopSignal& ended() { return ended_; }

  private:
    Task<std::size_t> read_plain(std::span<char> out);
    Task<std::size_t> read_chunked(std::span<char> out);
    SteadyTime patience_end() const {
        return std::min(deadline_, stream_.clock().steady() + patience_);
    }
    Task<std::size_t> receive(std::span<char> out);
    std::size_t take_buffered(std::span<char> out);
    void complete();
    std::unexpected<Error> break_off(Error error);

    Stream& stream_;
    ReadBuffer& buffer_;
    const Milliseconds patience_;
    const std::uint64_t bytes_max_;

    SteadyTime deadline_ = SteadyTime::max();
    Framing framing_;
    ChunkDecoder chunks_;
    std::uint64_t received_ = 0;
    bool complete_ = true;
    bool owes_continue_ = false;
    std::optional<Error> broken_;
    LoopSignal ended_;
};

}  // namespace ac::net
