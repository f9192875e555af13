#pragma once
// One request and its response on one client connection (see ClientExchange for the contract).

#include <functional>
#include <memory>

#include "net/http_client.h"
#include "net/message_body.h"
#include "net/stream.h"
#include "net/stream_duplex.h"

namespace ac::net {

// A socket to an upstream with what was read ahead from it.
struct ClientConnection {
    ClientConnection(Executor executor, UniqueFd connected, const Clock& clock)
        : stream(executor, std::move(connected), clock) {}

    Stream stream;
    ReadBuffer buffer;
    bool is_reused = false;
    SteadyTime idle_since{};
};

class HttpClientExchange final : public ClientExchange {
  public:
    using GiveBack = std::move_only_function<void(std::unique_ptr<ClientConnection>)>;

    // `give_back` gets the connection at the end if it can carry another exchange.
    HttpClientExchange(std::unique_ptr<ClientConnection> connection, const ClientLimits& limits,
                       GiveBack give_back);
    ~HttpClientExchange() override;

    Task<> send_head(const RequestHead& head, std::optional<std::uint64_t> length) override;
    Task<> write_body(std::string_view bytes) override;
    Task<> finish_request() override;
    bool request_dropped() const override { return sending_ == Sending::dropped; }
    Task<bool> heard_by(SteadyTime deadline) override;
    Task<ResponseHead> read_head(SteadyTime deadline) override;
    Body& body() override { return body_; }
    Duplex& duplex() override { return duplex_; }
    bool may_retry() const override { return connection_->is_reused && !heard_; }
    void set_deadline(SteadyTime deadline) override;

  private:
    enum class Sending { unstarted, body, finished, dropped };
    enum class Receiving { unstarted, head, body };

    void take_head(Pieces& pieces);
    Task<> send(Pieces& pieces);
    // Ends when more can be written or the response has become readable.
    Task<> wait_for_room();
    void take_early_bytes();
    // Whether what has arrived says that the server wants no more of the request.
    bool is_answered_early() const;
    Result<std::optional<ResponseHead>> parse_head();
    bool is_reusable() const;

    std::unique_ptr<ClientConnection> connection_;
    const ClientLimits limits_;
    GiveBack give_back_;
    Stream& stream_;
    ReadBuffer& buffer_;
    MessageBody body_;
    StreamDuplex duplex_;
    HeadScanner scanner_;
    bool may_switch_ = false;  // the request has an Upgrade field
    SteadyTime deadline_ = SteadyTime::max();

    std::string head_;  // what is not sent yet goes with the first of the body
    bool head_waits_ = false;
    Sending sending_ = Sending::unstarted;
    std::optional<std::uint64_t> left_;  // of the request's body; nullopt: chunked
    ResponseTo response_to_ = ResponseTo::other;
    Receiving receiving_ = Receiving::unstarted;
    bool keep_alive_ = false;
    bool heard_ = false;  // something of the response arrived
    int interim_ = 0;     // 1xx heads seen
};

}  // namespace ac::net
