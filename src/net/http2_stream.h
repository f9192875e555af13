#pragma once
// One request of an HTTP/2 connection and its answer, as an Exchange. Private to http2_*.cpp.

#include <cstdint>
#include <string>

#include "net/http_server.h"
#include "net/loop_signal.h"

namespace ac::net {

// What a stream asks of its connection; does nothing once the connection has ended.
class Http2Link {
  public:
    virtual ~Http2Link() = default;
    virtual Result<> submit_head(std::int32_t id, int status, const Headers& headers,
                                 bool has_body) = 0;
    virtual void resume(std::int32_t id) = 0;  // there is something to send
    virtual void consumed(std::int32_t id, std::size_t bytes) = 0;
    virtual void reset(std::int32_t id) = 0;
};

class Http2Stream final : public Exchange, public Body {
  public:
    Http2Stream(Http2Link& link, std::int32_t id, std::string peer, const Clock& clock)
        : link_(link), id_(id), peer_(std::move(peer)), clock_(clock), moved_at_(clock.steady()) {}

    // Exchange
    const RequestHead& request() const override { return head; }
    Body& body() override { return *this; }
    std::string_view peer() const override { return peer_; }
    Task<> respond(Response response) override;
    Task<> start(ResponseHead answer) override;
    Task<> write(std::string_view bytes) override;
    Task<> finish() override;
    bool started() const override { return started_; }
    Task<Duplex*> switch_protocols(ResponseHead) override {
        co_return fail(ErrorCode::not_implemented, "HTTP/2 streams switch to nothing");
    }
    void abort() override;
    Task<> wait_closed() override;

    // Body
    Task<std::size_t> read_some(std::span<char> out) override;
    std::optional<std::uint64_t> length() const override { return length_; }

    // The connection's side.
    void receive(std::string_view bytes);
    void end_of_request();
    void closed(bool regularly);
    std::size_t take_output(std::span<char> out);  // moves what waits
    bool has_output() const { return sent_ < output_.size(); }
    bool ends_here() const { return finished_ && !has_output(); }
    bool is_finished() const { return finished_; }
    std::size_t unread() const { return input_.size() - read_; }
    std::size_t received() const { return received_; }
    // A request that does not come or an answer that is not read.
    bool is_stalled(SteadyTime now, Milliseconds patience) const;
    void set_length(std::uint64_t length) { length_ = length; }

    RequestHead head;
    std::size_t head_bytes = 0;

  private:
    Http2Link& link_;
    const std::int32_t id_;
    const std::string peer_;
    const Clock& clock_;
    SteadyTime moved_at_;
    std::optional<std::uint64_t> length_;
    std::string input_;
    std::size_t read_ = 0;
    std::size_t received_ = 0;
    bool request_ended_ = false;
    bool reading_ = false;
    std::string output_;
    std::size_t sent_ = 0;
    bool started_ = false;
    bool finished_ = false;
    bool is_closed_ = false;
    bool went_away_ = false;
    LoopSignal arrived_;
    LoopSignal drained_;
    LoopSignal gone_;
};

}  // namespace ac::net
