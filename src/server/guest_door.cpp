#include "server/guest_door.h"

#include "base/log.h"

namespace ac::server {
namespace {

// A guest has a few clients; one that opens more than this harms itself only.
constexpr std::size_t kConnectionsMax = 256;
// Calls under way when their session has ended have nobody left to answer.
constexpr Milliseconds kCloseTime{100};

// What the runtime's role allows now: asked at each call, so that a change counts at once.
access::Principal principal_of(const runtime::GuestIdentity& guest,
                               const access::AccessService& access) {
    const Scope& scope = guest.address.scope;
    return access.runtime_principal(scope.account, guest.role_arn,
                                    runtime::runtime_arn(scope, guest.address.runtime),
                                    "BedrockAgentCore-" + guest.address.session.text());
}

GuestCaller caller_of(const runtime::GuestIdentity& guest, const access::AccessService& access) {
    return {.principal = [guest, &access] { return principal_of(guest, access); },
            .region = guest.address.scope.region,
            .runtime = guest.address.runtime.text(),
            .session = guest.address.session.text()};
}

// The one key that counts in a guest, and whatever others the agent was given by its owner.
class GuestKeys final : public access::KeyStore {
  public:
    GuestKeys(runtime::GuestIdentity guest, const access::AccessService& access,
              const access::KeyStore& others)
        : guest_(std::move(guest)), access_(access), others_(others) {}

    Result<access::AccessKey> find(std::string_view id, std::string_view token,
                                   WallTime now) const override {
        if (id != runtime::kGuestKeyId) return others_.find(id, token, now);
        return access::AccessKey{.id = std::string(id),
                                 .secret = secret_,
                                 .principal = principal_of(guest_, access_),
                                 .session_token = std::string(token)};
    }
    void note_use(const access::AccessKey& key, std::string_view service, std::string_view region,
                  WallTime now) const override {
        if (key.id != runtime::kGuestKeyId) others_.note_use(key, service, region, now);
    }

  private:
    const runtime::GuestIdentity guest_;
    const access::AccessService& access_;
    const access::KeyStore& others_;
    const std::shared_ptr<const SecretBytes> secret_ =
        std::make_shared<const SecretBytes>(runtime::kGuestSecret);
};

PipelineParts parts_for(PipelineParts parts, GuestCaller caller, const GuestKeys& keys) {
    return {.api = parts.api,
            .s3 = parts.s3,
            .models = parts.models,
            .api_keys = parts.api_keys,
            .keys = keys,
            .access = parts.access,
            .telemetry = parts.telemetry,
            .gate = parts.gate,
            .metrics = parts.metrics,
            .clock = parts.clock,
            .random = parts.random,
            .pool = parts.pool,
            .spool_folder = parts.spool_folder,
            .spool_memory = parts.spool_memory,
            .guest = std::move(caller)};
}

}  // namespace

class GuestDoor::Server final {
  public:
    Server(const PipelineParts& parts, const runtime::GuestIdentity& guest)
        : keys_(guest, parts.access, parts.keys),
          pipeline_(parts_for(parts, caller_of(guest, parts.access), keys_)) {}

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
    auto server = std::make_shared<Server>(*parts_, guest);
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
