#include "server/guest_door.h"

#include "base/log.h"

namespace ac::server {
namespace {

// A guest has a few clients; one that opens more than this harms itself only.
constexpr std::size_t kConnectionsMax = 256;
// Calls under way when their session has ended have nobody left to answer.
constexpr Milliseconds kCloseTime{100};

// arn:aws:iam::ACCOUNT:role/path/NAME -> NAME
std::string role_name(std::string_view arn) {
    const auto slash = arn.rfind('/');
    return slash == std::string_view::npos ? "AgentCoreRuntime"
                                           : std::string(arn.substr(slash + 1));
}

access::Principal principal_of(const runtime::GuestIdentity& guest) {
    const std::string& account = guest.address.scope.account;
    return {.account = account,
            .arn = "arn:aws:sts::" + account + ":assumed-role/" + role_name(guest.role_arn) + "/" +
                   "BedrockAgentCore-" + guest.address.session.text()};
}

GuestCaller caller_of(const runtime::GuestIdentity& guest) {
    return {.key = {.id = std::string(runtime::kGuestKeyId),
                    .secret = std::string(runtime::kGuestSecret),
                    .principal = principal_of(guest)},
            .region = guest.address.scope.region,
            .runtime = guest.address.runtime.text(),
            .session = guest.address.session.text()};
}

// The one key that counts in a guest, and whatever others the agent was given by its owner.
class GuestKeys final : public access::KeyStore {
  public:
    GuestKeys(access::AccessKey own, const access::KeyStore& others)
        : own_(std::move(own)), others_(others) {}
    std::optional<access::AccessKey> find(std::string_view access_key_id) const override {
        if (access_key_id == own_.id) return own_;
        return others_.find(access_key_id);
    }

  private:
    const access::AccessKey own_;
    const access::KeyStore& others_;
};

PipelineParts parts_for(PipelineParts parts, GuestCaller caller, const GuestKeys& keys) {
    return {.api = parts.api,
            .s3 = parts.s3,
            .keys = keys,
            .metrics = parts.metrics,
            .clock = parts.clock,
            .random = parts.random,
            .pool = parts.pool,
            .spool_folder = parts.spool_folder,
            .guest = std::move(caller)};
}

}  // namespace

class GuestDoor::Server final {
  public:
    Server(const PipelineParts& parts, GuestCaller caller)
        : keys_(caller.key, parts.keys), pipeline_(parts_for(parts, std::move(caller), keys_)) {}

    Result<> listen(Loops& loops, const Clock& clock, UniqueFd listener) {
        net::ServerLimits limits;
        limits.connections_max = kConnectionsMax;
        AC_TRY(http_, net::make_http_server(loops, clock, pipeline_, std::move(listener), limits));
        return {};
    }
    net::HttpServer& http() { return *http_; }

  private:
    GuestKeys keys_;
    Pipeline pipeline_;
    std::unique_ptr<net::HttpServer> http_;
};

class GuestDoor::Handle final : public Open {
  public:
    Handle(GuestDoor& door, std::shared_ptr<Server> server)
        : door_(door), server_(std::move(server)) {}
    ~Handle() override { door_.tasks_.spawn("guest door", door_.close(std::move(server_))); }

  private:
    GuestDoor& door_;
    std::shared_ptr<Server> server_;
};

GuestDoor::GuestDoor(Loops& loops, const Clock& clock)
    : loops_(loops), clock_(clock), tasks_(loops.main().executor()) {}

GuestDoor::~GuestDoor() = default;

void GuestDoor::serve_with(PipelineParts parts) {
    parts_ = std::make_unique<PipelineParts>(std::move(parts));
}

Result<std::unique_ptr<runtime::PlatformDoor::Open>> GuestDoor::open(UniqueFd listener,
                                                                     runtime::GuestIdentity guest) {
    AC_ASSERT(parts_ != nullptr);
    auto server = std::make_shared<Server>(*parts_, caller_of(guest));
    AC_CHECK(server->listen(loops_, clock_, std::move(listener)));
    return std::make_unique<Handle>(*this, std::move(server));
}

Detached GuestDoor::close(std::shared_ptr<Server> server) {
    const SteadyTime deadline = clock_.steady() + kCloseTime;
    const auto drained = co_await server->http().drain(deadline);
    if (!drained && drained.error().code == ErrorCode::internal)
        AC_LOG(error, "an agent's listener did not end", {"reason", drained.error().message});
}

Task<> GuestDoor::drain() {
    co_return co_await tasks_.join();
}

}  // namespace ac::server
