#pragma once
// One connected stream socket on one loop, plain or under TLS, with deadlines on its waits. One
// coroutine may read while another writes; everything is called on the loop's thread.

#include <sys/uio.h>

#include <array>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "async/task.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/tls.h"
#include "net/deadlines.h"

namespace ac::net {

// Up to kMax texts that leave in one system call. Views: the texts live until they are written.
class Pieces final {
  public:
    static constexpr int kMax = 4;

    void add(std::string_view text);
    void consume(std::size_t bytes);
    bool empty() const { return first_ == count_; }
    std::size_t size() const;  // bytes left
    std::string_view front() const;
    iovec* data() { return &pieces_[static_cast<std::size_t>(first_)]; }
    int count() const { return count_ - first_; }

  private:
    std::array<iovec, kMax> pieces_;
    int first_ = 0;
    int count_ = 0;
};

class Stream final {
  public:
    enum class Written { all, part };

    // `clock` outlives the stream.
    Stream(Executor executor, UniqueFd connected, const Clock& clock);
    ~Stream();

    // Shakes hands; from then on everything goes through `session`. Before any other traffic.
    // Errors: the session's; deadline_exceeded.
    Task<> start_tls(std::unique_ptr<TlsSession> session, SteadyTime deadline);

    // At least one byte, or 0 when the peer has ended its side. cancelled: reset or cancel();
    // deadline_exceeded: nothing came until `deadline`.
    Task<std::size_t> read_some(std::span<char> out, SteadyTime deadline) {
        return tls_ ? read_tls(out, deadline) : read_raw(out, deadline);
    }
    // The same without waiting; nullopt when nothing is there.
    Result<std::optional<std::size_t>> try_read(std::span<char> out) {
        return tls_ ? try_read_tls(out) : try_read_raw(out);
    }
    // Ends when something can be read, or the peer has ended its side, or has reset. Under TLS it
    // may turn out to be nothing for the reader.
    Task<> wait_readable();
    // Ends when the connection has failed; an end of the peer's side is not noticed.
    Task<> wait_failed();

    // Writes what fits without waiting; what is left stays in `pieces` (or, encrypted, in here: try
    // again with what `pieces` has, even if that is nothing).
    Result<Written> try_write(Pieces& pieces) {
        return tls_ ? try_write_tls(pieces) : try_write_raw(pieces);
    }
    // Writes it all; deadline_exceeded when nothing could be written for `patience`. The pieces
    // live until the Task is done.
    Task<> write(Pieces& pieces, Milliseconds patience);
    Task<> wait_writable(SteadyTime deadline);

    // What waits ends with cancelled.
    void cancel();
    // For a peer that sends in small pieces with Nagle's algorithm on: without this it waits for
    // our delayed acknowledgement, 40 ms, before the next piece.
    void acknowledge_at_once();
    void shutdown_write();
    void close();
    // Closes so that the peer sees a reset, not an end.
    void reset();
    bool is_open() const { return socket_.is_open(); }
    // Gives the socket away; the stream is closed then.
    UniqueFd release();
    // Leaves the loop's lists, so that the stream may be destroyed on another thread.
    void park();

    const Clock& clock() const { return clock_; }

  private:
    using Socket = asio::basic_stream_socket<asio::generic::stream_protocol, Executor>;

    class Side final : public Deadlines::Entry {
      public:
        Side(Executor executor, const Clock& clock, Stream& stream)
            : Entry(executor, clock), stream_(stream) {}
        bool is_expired = false;

      private:
        void expired() override;
        Stream& stream_;
    };

    struct Tls;

    Task<std::size_t> read_raw(std::span<char> out, SteadyTime deadline);
    Result<std::optional<std::size_t>> try_read_raw(std::span<char> out);
    Result<Written> try_write_raw(Pieces& pieces);
    // stream_tls.cpp
    Task<std::size_t> read_tls(std::span<char> out, SteadyTime deadline);
    Result<std::optional<std::size_t>> try_read_tls(std::span<char> out);
    Result<Written> try_write_tls(Pieces& pieces);
    Result<Written> flush_tls();
    Task<> flush_handshake(SteadyTime deadline);

    const Clock& clock_;
    std::unique_ptr<Tls> tls_;
    Socket socket_;
    Side reading_;
    Side writing_;
    bool has_ended_ = false;  // the peer has ended its side
};

}  // namespace ac::net
