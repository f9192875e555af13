#include "runtime/web_socket.h"

#include <algorithm>

#include "base/encoding.h"
#include "net/duplex.h"
#include "net/web_socket.h"
#include "runtime/frame_meter.h"
#include "runtime/proxy_headers.h"

namespace ac::runtime {
namespace {

// RFC 6455 7.4.1.
constexpr std::uint16_t kProtocolError = 1002;
constexpr std::uint16_t kMessageTooBig = 1009;

// One side of the relay with its meter. A sender of what is refused is told so by a Close frame,
// and counts as having ended.
class MeteredSide final : public net::Duplex {
  public:
    MeteredSide(net::Duplex& inner, FrameMeter::Sender sender, SteadyTime deadline,
                std::uint64_t frame_bytes_max)
        : inner_(inner), sender_(sender), deadline_(deadline), meter_(sender, frame_bytes_max) {}

    Task<std::size_t> read_some(std::span<char> out, SteadyTime deadline) override {
        if (refused_) co_return std::size_t{0};
        AC_CO_TRY(const std::size_t count,
                  co_await inner_.read_some(out, std::min(deadline, deadline_)));
        const auto taken = meter_.take({out.data(), count});
        if (taken) co_return count;
        refused_ = true;
        const auto code =
            taken.error().code == ErrorCode::too_large ? kMessageTooBig : kProtocolError;
        // To a guest it is masked (RFC 6455 5.3), with zeros: no proxy is to be fooled in between.
        constexpr std::string_view kZeros("\0\0\0\0", net::kWebSocketMaskBytes);
        const std::string farewell = net::encode_web_socket(
            net::WebSocketMessage::Kind::close, net::web_socket_close(code, taken.error().message),
            sender_ == FrameMeter::Sender::server ? kZeros : std::string_view());
        // In the middle of another frame it would be that frame's content.
        if (peer_->meter_.is_between_frames()) (void)co_await inner_.write(farewell);
        co_return std::size_t{0};
    }
    Task<> write(std::string_view bytes) override {
        if (refused_) co_return fail(ErrorCode::cancelled, "the WebSocket is being closed");
        co_return co_await inner_.write(bytes);
    }
    void end_writes() override { inner_.end_writes(); }
    void abort() override { inner_.abort(); }

    // The side whose frames are written to this one.
    void set_peer(const MeteredSide& peer) { peer_ = &peer; }

  private:
    net::Duplex& inner_;
    const FrameMeter::Sender sender_;
    const SteadyTime deadline_;
    FrameMeter meter_;
    bool refused_ = false;
    const MeteredSide* peer_ = nullptr;
};

// The query without what is for the platform. Browsers cannot send headers: custom ones may be
// parameters, and become headers.
std::string take_query(std::string_view query, net::Headers& headers) {
    std::string kept;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        const auto equals = std::min(pair.find('='), pair.size());
        const auto name = percent_decode(pair.substr(0, equals));
        if (!name || name->empty()) continue;
        if (is_custom_header(*name)) {
            if (auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size()))))
                headers.set(*name, *std::move(value));
            continue;
        }
        const std::string lower = to_lower(*name);
        if (lower.starts_with("x-amz-") || lower.starts_with("x-amzn-") || lower == "qualifier" ||
            lower == "accountid")
            continue;
        if (!kept.empty()) kept += '&';
        kept += pair;
    }
    return kept;
}

net::RequestHead opening_request(const net::RequestHead& caller, const Session& session,
                                 const std::string& request_id) {
    net::RequestHead head = guest_request(caller, session.address.session, request_id,
                                          session.target.spec.header_allowlist);
    head.method = "GET";
    head.target = "/ws";
    if (const auto query = take_query(caller.query(), head.headers); !query.empty())
        head.target += "?" + query;
    head.headers.remove("Content-Type");
    head.headers.set("Upgrade", "websocket");
    for (const std::string_view name :
         {"Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions"})
        if (const auto value = caller.headers.find(name))
            head.headers.set(name, std::string(*value));
    if (const auto protocols = offered_protocols(caller); !protocols.empty())
        head.headers.set("Sec-WebSocket-Protocol", protocols);
    return head;
}

net::ResponseHead switching_answer(const net::ResponseHead& guest, const net::RequestHead& caller,
                                   const SessionId& session) {
    net::ResponseHead head{.status = guest.status};
    head.headers = caller_headers(guest, caller, session);
    head.headers.remove("Content-Type");
    head.headers.add("Connection", "Upgrade");
    head.headers.add("Upgrade", "websocket");
    for (const std::string_view name : {"Sec-WebSocket-Accept", "Sec-WebSocket-Extensions"})
        if (const auto value = guest.headers.find(name))
            head.headers.add(std::string(name), std::string(*value));
    if (const auto protocol = guest.headers.find("Sec-WebSocket-Protocol"))
        head.headers.add("Sec-WebSocket-Protocol", std::string(*protocol));
    else if (offers_bearer_protocol(caller))
        head.headers.add("Sec-WebSocket-Protocol", std::string(kBearerProtocol));
    return head;
}

}  // namespace

Result<> check_web_socket(const net::RequestHead& caller) {
    const bool is_upgrade = equals_ignoring_case(caller.headers.get("Upgrade"), "websocket") &&
                            has_option(caller.headers.get("Connection"), "upgrade");
    if (!is_upgrade)
        return fail(ErrorCode::invalid_argument,
                    "a WebSocket opens with Connection: Upgrade and Upgrade: websocket");
    if (caller.headers.get("Sec-WebSocket-Version") != "13")
        return fail(ErrorCode::invalid_argument, "Sec-WebSocket-Version is 13 (RFC 6455)");
    const auto key = from_base64(caller.headers.get("Sec-WebSocket-Key"));
    if (!key || key->size() != 16)
        return fail(ErrorCode::invalid_argument, "Sec-WebSocket-Key is 16 bytes in base64");
    return {};
}

Task<> relay_web_socket(Lease& lease, std::string request_id, net::Exchange& exchange, Timer& timer,
                        const RuntimeLimits& limits, net::Headers identity) {
    const Session& session = lease.session();
    const SteadyTime opened_by = timer.clock().steady() + limits.init_max;
    const SteadyTime deadline = timer.clock().steady() + limits.web_socket_max;
    auto opened = co_await session.fresh->open(opened_by);
    if (!opened) co_return fail(std::move(opened).error());
    net::ClientExchange& guest = **opened;
    net::RequestHead head = opening_request(exchange.request(), session, request_id);
    for (const net::Header& header : identity) head.headers.set(header.name, header.value);
    AC_CO_CHECK(co_await guest.send_head(head, 0));
    AC_CO_CHECK(co_await guest.finish_request());
    auto answer = co_await guest.read_head(opened_by);
    if (!answer)
        co_return fail(ErrorCode::guest_failed,
                       "the agent broke off the WebSocket handshake: " + answer.error().message);
    if (answer->status != 101)
        co_return fail(ErrorCode::guest_failed, "the agent refused the WebSocket with status " +
                                                    std::to_string(answer->status));
    auto switching = switching_answer(*answer, exchange.request(), session.address.session);
    AC_CO_TRY(net::Duplex * caller, co_await exchange.switch_protocols(std::move(switching)));
    MeteredSide near(*caller, FrameMeter::Sender::client, deadline, limits.web_socket_frame_max);
    MeteredSide far(guest.duplex(), FrameMeter::Sender::server, deadline,
                    limits.web_socket_frame_max);
    near.set_peer(far);
    far.set_peer(near);
    // How it ended is between the two: HTTP is over.
    (void)co_await net::relay(near, far, timer.clock(), limits.web_socket_idle_max);
    co_return Result<>{};
}

}  // namespace ac::runtime
