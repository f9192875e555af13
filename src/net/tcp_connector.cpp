#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <cerrno>

#include "net/http_client.h"
#include "net/stream.h"

namespace ac::net {
namespace {

using asio::ip::tcp;
using Endpoints = std::vector<tcp::endpoint>;

class TcpConnector final : public Connector {
  public:
    TcpConnector(std::string host, std::uint16_t port, Timer& timer, const AddressGuard* guard)
        : host_(std::move(host)), port_(port), timer_(timer), guard_(guard) {}

    Task<UniqueFd> connect(SteadyTime deadline) override;

  private:
    Task<Endpoints> resolve();
    Task<UniqueFd> connect_to(tcp::endpoint endpoint, SteadyTime deadline);
    std::unexpected<Error> unreachable(const std::string& why) const;

    const std::string host_;
    const std::uint16_t port_;
    Timer& timer_;
    const AddressGuard* const guard_;
};

std::unexpected<Error> TcpConnector::unreachable(const std::string& why) const {
    return fail(ErrorCode::unavailable,
                "cannot connect to " + host_ + " port " + std::to_string(port_) + ": " + why);
}

Task<Endpoints> TcpConnector::resolve() {
    boost::system::error_code error;
    const auto literal = asio::ip::make_address(host_, error);
    if (!error) {
        Endpoints endpoints;
        endpoints.emplace_back(literal, port_);
        co_return endpoints;
    }
    // getaddrinfo has no deadline of its own; it is bounded by the resolver's configuration.
    const auto executor = co_await asio::this_coro::executor;
    asio::ip::basic_resolver<tcp, Executor> resolver(executor);
    const std::string port = std::to_string(port_);
    auto token = asio::redirect_error(use_task, error);
    const auto found = co_await resolver.async_resolve(host_, port, token);
    if (error) co_return unreachable(error.message());
    Endpoints endpoints;
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    co_return endpoints;
}

Task<UniqueFd> TcpConnector::connect_to(tcp::endpoint endpoint, SteadyTime deadline) {
    const int family = endpoint.address().is_v6() ? AF_INET6 : AF_INET;
    UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) co_return fail(errno_error("socket", errno));
    const int on = 1;
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0)
        co_return std::move(fd);
    if (errno != EINPROGRESS) co_return unreachable(errno_error("connect", errno).message);

    const auto executor = co_await asio::this_coro::executor;
    const int raw = fd.get();
    Stream stream(executor, std::move(fd), timer_.clock());
    AC_CO_CHECK(co_await stream.wait_writable(deadline));
    int error_number = 0;
    socklen_t size = sizeof error_number;
    (void)::getsockopt(raw, SOL_SOCKET, SO_ERROR, &error_number, &size);
    if (error_number != 0) co_return unreachable(errno_error("connect", error_number).message);
    co_return stream.release();
}

Task<UniqueFd> TcpConnector::connect(SteadyTime deadline) {
    AC_CO_TRY(const auto endpoints, co_await resolve());
    Result<UniqueFd> last = unreachable("the name has no address");
    for (const tcp::endpoint& endpoint : endpoints) {
        const auto allowed = guard_ != nullptr ? guard_->check(endpoint.address()) : Result<>{};
        if (!allowed) {
            last = std::unexpected(allowed.error());
            continue;
        }
        last = co_await connect_to(endpoint, deadline);
        if (last || last.error().code != ErrorCode::unavailable) break;
    }
    co_return last;
}

}  // namespace

std::unique_ptr<Connector> make_tcp_connector(std::string host, std::uint16_t port, Timer& timer,
                                              const AddressGuard* guard) {
    return std::make_unique<TcpConnector>(std::move(host), port, timer, guard);
}

}  // namespace ac::net
