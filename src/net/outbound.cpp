#include "net/outbound.h"

#include <map>
#include <mutex>

namespace ac::net {
namespace {

// A caller who names a new origin with every request must not grow the table without end.
constexpr std::size_t kOriginsMax = 256;

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

class HttpOutbound final : public Outbound {
  public:
    HttpOutbound(OutboundOptions options, std::unique_ptr<TlsClient> tls, Timer& timer)
        : options_(std::move(options)), tls_(std::move(tls)), timer_(timer) {}

    Task<std::unique_ptr<ClientExchange>> open(const Url& url, SteadyTime deadline) override;
    Task<Response> fetch(OutboundRequest request, SteadyTime deadline) override;

  private:
    struct Origin {
        std::unique_ptr<Connector> connector;
        std::unique_ptr<ClientPool> pool;
    };
    std::shared_ptr<Origin> origin_of(const Url& url);
    Task<Response> fetch_once(const OutboundRequest& request, SteadyTime deadline);

    const OutboundOptions options_;
    const std::unique_ptr<TlsClient> tls_;
    Timer& timer_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Origin>, std::less<>> origins_;
};

std::shared_ptr<HttpOutbound::Origin> HttpOutbound::origin_of(const Url& url) {
    const std::string name = url.origin();
    const std::lock_guard lock(mutex_);
    if (const auto found = origins_.find(name); found != origins_.end()) return found->second;
    if (origins_.size() >= kOriginsMax) origins_.erase(origins_.begin());
    auto origin = std::make_shared<Origin>();
    origin->connector = make_tcp_connector(url.host, url.port, timer_, &options_.guard);
    const ClientSecurity security{.tls = url.is_secure ? tls_.get() : nullptr, .host = url.host};
    origin->pool = make_client_pool(*origin->connector, timer_, options_.limits,
                                    kIdleConnectionsMax, security);
    origins_.emplace(name, origin);
    return origin;
}

Task<std::unique_ptr<ClientExchange>> HttpOutbound::open(const Url& url, SteadyTime deadline) {
    const auto origin = origin_of(url);  // kept while it connects; the exchange needs it no more
    co_return co_await origin->pool->open(deadline);
}

Task<Response> HttpOutbound::fetch_once(const OutboundRequest& request, SteadyTime deadline) {
    const auto origin = origin_of(request.url);
    RequestHead head{.method = request.method, .target = request.url.target, .headers = {}};
    head.headers.add("Host", request.url.authority());
    for (const Header& header : request.headers) head.headers.add(header.name, header.value);
    co_return co_await net::fetch(*origin->pool, std::move(head), request.body, deadline,
                                  request.answer_bytes_max);
}

Task<Response> HttpOutbound::fetch(OutboundRequest request, SteadyTime deadline) {
    while (true) {
        AC_CO_TRY(auto response, co_await fetch_once(request, deadline));
        const auto location = response.headers.find("location");
        const bool follows = is_redirect(response.status) && location && request.method == "GET" &&
                             request.redirects_max-- > 0;
        if (!follows) co_return response;
        AC_CO_TRY(Url next, resolve_url(request.url, *location));
        if (request.url.is_secure && !next.is_secure)
            co_return fail(ErrorCode::permission_denied,
                           "a redirect from https to http is not followed");
        if (next.origin() != request.url.origin()) {
            request.headers.remove("Authorization");
            request.headers.remove("Cookie");
        }
        request.url = std::move(next);
    }
}

}  // namespace

Result<std::unique_ptr<Outbound>> make_outbound(OutboundOptions options, Timer& timer) {
    AC_TRY(auto tls, make_tls_client({.ca_file = options.ca_file}));
    return std::make_unique<HttpOutbound>(std::move(options), std::move(tls), timer);
}

}  // namespace ac::net
