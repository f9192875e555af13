#include "egress/proxy.h"

#include <array>
#include <memory>

#include "base/encoding.h"
#include "base/log.h"
#include "net/url.h"

namespace ac::egress {
namespace {

constexpr std::size_t kConnectionsMax = 256;  // a guest
constexpr std::size_t kBufferBytes = 32 * 1024;

int status_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::permission_denied:
            return 403;
        case ErrorCode::invalid_argument:
            return 400;
        case ErrorCode::deadline_exceeded:
            return 504;
        default:
            return 502;
    }
}

// RFC 9110 7.6.1: about this connection only. What `Connection` names besides goes as well.
bool is_hop_by_hop(std::string_view name, const net::Headers& headers) {
    for (const std::string_view known : {"proxy-connection", "proxy-authorization",
                                         "proxy-authenticate", "te", "trailer", "upgrade"})
        if (equals_ignoring_case(name, known)) return true;
    std::string_view list = headers.get("Connection");
    while (!list.empty()) {
        const auto end = std::min(list.find(','), list.size());
        if (equals_ignoring_case(trim(list.substr(0, end)), name)) return true;
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return false;
}

net::Headers end_to_end(const net::Headers& headers) {
    net::Headers kept;
    for (const net::Header& header : headers)
        if (!is_hop_by_hop(header.name, headers)) kept.add(header.name, header.value);
    return kept;
}

// The upstream would take it for its own.
bool is_own_name(std::string_view host) {
    const std::string name = to_lower(host);
    return name == "localhost" || name.ends_with(".localhost") || name.ends_with(".internal");
}

Task<> send_body(net::Body& body, net::ClientExchange& upstream) {
    std::array<char, kBufferBytes> buffer;
    while (true) {
        AC_CO_TRY(const std::size_t count, co_await body.read_some(buffer));
        if (count == 0) break;
        const std::string_view bytes(buffer.data(), count);
        AC_CO_CHECK(co_await upstream.write_body(bytes));
    }
    co_return co_await upstream.finish_request();
}

Task<> send_answer(net::ClientExchange& upstream, net::ResponseHead head, net::Exchange& exchange) {
    head.headers = end_to_end(head.headers);
    head.headers.remove("Content-Length");
    if (const auto length = upstream.body().length())
        head.headers.add("Content-Length", std::to_string(*length));
    AC_CO_CHECK(co_await exchange.start(std::move(head)));
    std::array<char, kBufferBytes> buffer;
    while (true) {
        AC_CO_TRY(const std::size_t count, co_await upstream.body().read_some(buffer));
        if (count == 0) break;
        const std::string_view bytes(buffer.data(), count);
        AC_CO_CHECK(co_await exchange.write(bytes));
    }
    co_return co_await exchange.finish();
}

}  // namespace

net::ServerLimits server_limits() {
    net::ServerLimits limits;
    limits.accepts_connect = true;
    limits.connections_max = kConnectionsMax;
    return limits;
}

Proxy::Proxy(ProxyRules rules, Timer& timer, ProxyLimits limits)
    : rules_(std::move(rules)), timer_(timer), limits_(limits) {}

Detached Proxy::handle(net::Exchange& exchange) {
    const bool is_tunnel = exchange.request().method == "CONNECT";
    auto serving = is_tunnel ? tunnel(exchange) : forward(exchange);
    const auto done = co_await std::move(serving);
    if (done) co_return;
    if (exchange.started())
        exchange.abort();
    else
        (void)co_await refuse(exchange, done.error());
}

Result<Proxy::Way> Proxy::way_to(const HostPort& target) const {
    const bool is_trusted = rules_.trusted.allows(target.host, target.port);
    if (!is_trusted && !rules_.hosts.allows(target.host, target.port))
        return fail(ErrorCode::permission_denied,
                    target.host + ":" + std::to_string(target.port) +
                        " is not among the hosts that agents may reach (egress.allow)");
    const net::AddressGuard* const guard = is_trusted ? &everywhere_ : &rules_.addresses;
    const Upstream* const upstream = rules_.upstream ? &*rules_.upstream : nullptr;
    if (upstream == nullptr || upstream->leaves_out(target.host))
        return Way{net::make_tcp_connector(target.host, target.port, timer_, guard), nullptr};
    boost::system::error_code not_an_address;
    const auto address = asio::ip::make_address(target.host, not_an_address);
    if (!not_an_address) {
        AC_CHECK(guard->check(address));
    } else if (!is_trusted && is_own_name(target.host)) {
        return fail(ErrorCode::permission_denied, target.host + " is a name of this machine");
    }
    return Way{net::make_tcp_connector(upstream->host, upstream->port, timer_, &everywhere_),
               upstream};
}

Task<> Proxy::refuse(net::Exchange& exchange, const Error& error) {
    ++statistics_.refused;
    AC_LOG(info, "egress refused", {"target", exchange.request().target},
           {"host", exchange.request().headers.get("Host")}, {"reason", error.message});
    net::Response response{.status = status_of(error.code)};
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    response.headers.add(
        "Proxy-Status",
        "agentcored; error=" + std::string(response.status == 403 ? "destination_ip_prohibited"
                                                                  : "destination_unavailable"));
    response.body = "agentcored egress proxy: " + error.message + "\n";
    co_return co_await exchange.respond(std::move(response));
}

Task<> Proxy::tunnel(net::Exchange& exchange) {
    AC_CO_TRY(const HostPort target, parse_host_port(exchange.request().target));
    AC_CO_TRY(const Way way, way_to(target));
    const auto executor = co_await asio::this_coro::executor;
    const SteadyTime deadline = timer_.clock().steady() + limits_.connect_max;
    AC_CO_TRY(auto socket, co_await way.connector->connect(deadline));
    const auto far = net::make_duplex(executor, std::move(socket), timer_.clock());
    if (way.upstream != nullptr) {
        const std::string wanted(exchange.request().target);
        AC_CO_CHECK(co_await open_tunnel(*far, *way.upstream, wanted, deadline));
    }
    ++statistics_.tunnels;
    net::ResponseHead established;
    AC_CO_TRY(net::Duplex * near, co_await exchange.switch_protocols(std::move(established)));
    // How it ended is between the two ends.
    (void)co_await net::relay(*near, *far, timer_.clock(), limits_.tunnel_idle_max);
    co_return Result<>{};
}

Task<> Proxy::forward(net::Exchange& exchange) {
    const net::RequestHead& request = exchange.request();
    const std::string host(request.headers.get("Host"));
    AC_CO_TRY(const auto url, net::parse_url("http://" + host + request.target));
    const HostPort target{.host = url.host, .port = url.port};
    AC_CO_TRY(const Way way, way_to(target));
    const auto pool = net::make_client_pool(*way.connector, timer_, {}, 0);
    const SteadyTime connected_by = timer_.clock().steady() + limits_.connect_max;
    AC_CO_TRY(auto upstream, co_await pool->open(connected_by));
    ++statistics_.requests;
    net::RequestHead head{
        .method = request.method, .target = request.target, .headers = end_to_end(request.headers)};
    if (way.upstream != nullptr) {
        head.target = url.text();
        if (!way.upstream->authorization.empty())
            head.headers.add("Proxy-Authorization", way.upstream->authorization);
    }
    AC_CO_CHECK(co_await upstream->send_head(head, exchange.body().length()));
    AC_CO_CHECK(co_await send_body(exchange.body(), *upstream));
    const SteadyTime answered_by = timer_.clock().steady() + limits_.answer_max;
    AC_CO_TRY(auto answer, co_await upstream->read_head(answered_by));
    co_return co_await send_answer(*upstream, std::move(answer), exchange);
}

}  // namespace ac::egress
