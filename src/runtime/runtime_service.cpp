#include "runtime/runtime_service.h"

#include <atomic>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <deque>

#include "async/signal.h"
#include "async/task_group.h"
#include "base/log.h"
#include "runtime/builder.h"
#include "runtime/command_run.h"
#include "runtime/invocation.h"
#include "runtime/log_reader.h"
#include "runtime/session_host.h"
#include "runtime/shell_socket.h"
#include "runtime/web_socket.h"
#include "runtime/workload_identities.h"

namespace ac::runtime {
namespace {

// The form of session ids, so that callers get back what they sent.
Result<> check_mcp_session(std::string_view id) {
    constexpr std::size_t kBytesMax = 256;
    constexpr std::string_view kLetters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const bool good = id.size() <= kBytesMax && id.find_first_not_of(kLetters) == id.npos &&
                      !id.starts_with('-') && !id.starts_with('_');
    if (good) return {};
    return fail(ErrorCode::invalid_argument,
                "Mcp-Session-Id is up to 256 letters, digits, - and _, as this server gave it");
}

class Service final : public RuntimeService, private CatalogListener {
  public:
    explicit Service(Dependencies given)
        : config_(std::move(given.config)),
          timer_(given.timer),
          random_(given.random),
          pool_(given.pool),
          identities_(given.identities),
          catalog_(make_catalog(given.database, given.random, given.timer.clock(), config_.limits,
                                *this)),
          images_(given.images),
          builder_(given.sandbox, given.installs, given.artifacts, given.images, given.pool,
                   given.random, config_.folder, config_.limits, config_.build),
          host_(*catalog_, given.sandbox, given.timer, given.random, given.pool, given.loop,
                config_.limits, {config_.folder, {}, given.platform, given.egress, config_.pool}),
          shells_(timer_, config_.limits, tasks_),
          tasks_(given.loop.executor()) {}

    Result<> prepare() { return builder_.prepare(); }

    void set_public_url(std::string url) override { host_.set_public_url(std::move(url)); }

    Task<> start() override {
        AC_CO_CHECK(co_await catalog_->migrate());
        auto prune = [this]() -> Result<> {
            host_.storage().prune(timer_.clock().wall() - config_.limits.storage_kept);
            return {};
        };
        (void)co_await pool_.run(prune);
        AC_CO_TRY(auto deletes, co_await catalog_->pending_deletes());
        for (const auto& [scope, id] : deletes) delete_wanted(scope, id);
        AC_CO_CHECK(co_await collect());
        AC_CO_TRY(auto builds, co_await catalog_->pending_builds());
        for (PendingBuild& build : builds) build_wanted(std::move(build));
        co_return Result<>{};
    }

    void begin_drain() override { ending_.raise(); }

    Task<> drain(SteadyTime deadline) override {
        draining_ = true;
        tasks_.cancel();
        const Result<> ended = co_await host_.drain(deadline);
        AC_CO_CHECK(co_await tasks_.join());
        co_return ended;
    }

    Catalog& catalog() override { return *catalog_; }

    Task<> invoke(SessionAddress address, std::string request_id, net::Exchange& exchange,
                  net::Body& body) override {
        co_return co_await forward(std::move(address), AgentCall::invocation, std::move(request_id),
                                   exchange, body);
    }

    Task<> ask(SessionAddress address, AgentCall call, std::string request_id,
               net::Exchange& exchange) override {
        net::StringBody nothing{std::string()};
        co_return co_await forward(std::move(address), call, std::move(request_id), exchange,
                                   nothing);
    }

    Task<> open_web_socket(SessionAddress address, std::string request_id,
                           net::Exchange& exchange) override {
        using namespace asio::experimental::awaitable_operators;
        AC_CO_CHECK(check_web_socket(exchange.request()));
        const Caller caller = address.caller;
        AC_CO_TRY(Lease lease, co_await host_.enter(std::move(address)));
        net::Headers identity = identity_headers(lease.session(), caller, exchange.request());
        auto ended = co_await (relay_web_socket(lease, std::move(request_id), exchange, timer_,
                                                config_.limits, std::move(identity)) ||
                               ending_.wait());
        co_return ended.index() == 0 ? std::get<0>(std::move(ended)) : Result<>{};
    }

    Task<> open_shell(SessionAddress address, std::string shell_id,
                      net::Exchange& exchange) override {
        using namespace asio::experimental::awaitable_operators;
        AC_CO_CHECK(check_web_socket(exchange.request()));
        if (shell_id.empty()) shell_id = random_uuid(random_);
        AC_CO_CHECK(check_shell_id(shell_id));
        AC_CO_TRY(Lease lease, co_await host_.enter(std::move(address)));
        AC_CO_TRY(const auto opened, co_await shells_.open(lease, std::move(shell_id)));
        auto ended = co_await (serve_shell(opened, lease.session().address.session, exchange,
                                           timer_, config_.limits) ||
                               ending_.wait());
        co_return ended.index() == 0 ? std::get<0>(std::move(ended)) : Result<>{};
    }

    Task<CommandEnd> run_command(SessionAddress address, CommandRequest request,
                                 CommandSink& sink) override {
        AC_CO_CHECK(check_command(request, config_.limits));
        AC_CO_TRY(Lease lease, co_await host_.enter(std::move(address)));
        CommandRun run(lease, timer_, config_.limits, tasks_);
        co_return co_await run.run(std::move(request), sink);
    }

    Task<> stop_session(SessionAddress address) override { return host_.stop(std::move(address)); }

    Task<std::vector<SessionView>> sessions(Scope scope, RuntimeId id) override {
        AC_CO_TRY([[maybe_unused]] const auto view,
                  co_await catalog_->get(scope, id, std::nullopt));
        co_return co_await host_.list(scope, id);
    }

    Task<> read_logs(LogQuery query, LogSink sink) override {
        AC_CO_TRY([[maybe_unused]] const auto view,
                  co_await catalog_->get_endpoint(query.scope, query.runtime, query.endpoint));
        auto folder = log_folder(config_.folder, query.runtime, query.endpoint);
        co_return co_await follow_logs(std::move(folder), std::move(query), pool_, timer_, ending_,
                                       std::move(sink));
    }

    Task<std::string> build_log(Scope scope, RuntimeId id,
                                std::optional<std::int64_t> version) override {
        AC_CO_TRY(const auto view, co_await catalog_->get(scope, id, version));
        auto read = [file = builder_.log_file(id, view.version),
                     max = config_.limits.build_log_bytes_max + 4096] {
            return read_file(file, max);
        };
        co_return co_await pool_.run(read);
    }

    std::size_t session_count() const override { return host_.count(); }

    PoolStatistics pool_statistics() const override { return host_.pool_statistics(); }

  private:
    Task<> forward(SessionAddress address, AgentCall call, std::string request_id,
                   net::Exchange& exchange, net::Body& body) {
        AC_CO_CHECK(co_await name_session(address, call));
        const bool follows = call == AgentCall::mcp_stream || call == AgentCall::mcp_end;
        if (follows && !host_.is_live(address))
            co_return fail(ErrorCode::not_found,
                           "no session " + address.session.text() + " is running");
        const Caller caller = address.caller;
        AC_CO_TRY(Lease lease, co_await host_.enter(std::move(address)));
        net::Headers identity = identity_headers(lease.session(), caller, exchange.request());
        Invocation invocation(lease, call, std::move(request_id), exchange, body, timer_,
                              config_.limits, ending_, std::move(identity));
        co_return co_await invocation.run();
    }

    // An invocation of an HTTP agent needs no look at what the runtime is: its session knows.
    Task<> name_session(SessionAddress& address, AgentCall call) {
        std::string mcp = std::exchange(address.mcp_session, {});
        if (mcp.empty() && call == AgentCall::invocation) co_return Result<>{};
        AC_CO_TRY(const Resolved target,
                  co_await catalog_->resolve(address.scope, address.runtime, address.endpoint));
        const ServerProtocol protocol = target.spec.protocol;
        if (!agent_route(protocol, call))
            co_return fail(
                ErrorCode::invalid_argument,
                "agents of protocol " + std::string(to_string(protocol)) + " cannot be asked this");
        if (protocol != ServerProtocol::mcp || mcp.empty()) co_return Result<>{};
        AC_CO_CHECK(check_mcp_session(mcp));
        address.session = SessionId(std::move(mcp));
        co_return Result<>{};
    }

    // What the agent proves with who it is; under both names that SDKs know.
    net::Headers identity_headers(const Session& session, const Caller& caller,
                                  const net::RequestHead& request) const {
        net::Headers headers;
        if (!identities_) return headers;
        const WallTime now = timer_.clock().wall();
        auto token = session.token.find(caller, now);
        if (!token) {
            const SessionAddress& address = session.address;
            token = session.token.keep(
                caller, identities_->token(address.scope, address.runtime, caller), now);
        }
        headers.add("X-Amz-Bedrock-AgentCore-Identity-WAT", *token);
        headers.add("WorkloadAccessToken", *token);
        if (const auto url = request.headers.find("OAuth2CallbackUrl"))
            headers.add("OAuth2CallbackUrl", std::string(*url));
        return headers;
    }

    void build_wanted(PendingBuild build) override {
        tasks_.spawn("build", run_build(std::move(build)));
    }

    void changed(const Scope& scope, const Resource& resource, bool end_sessions) override {
        if (end_sessions)
            host_.end(scope, resource, StopReason::removed);
        else
            host_.discard_waiting(scope, resource);
    }

    void delete_wanted(const Scope& scope, const RuntimeId& id) override {
        tasks_.spawn("runtime deletion", run_delete(scope, id));
    }

    // A build uses what it finds there before any version names it, so none may be under way; nor
    // may one have come and gone since the versions were read.
    Task<> collect() {
        const std::uint64_t begun = builds_begun_;
        AC_CO_TRY(const auto versions, co_await catalog_->built_versions());
        if (unsettled_builds_ > 0 || begun != builds_begun_) {
            collects_later_ = true;
            co_return Result<>{};
        }
        AC_CO_CHECK(builder_.keep_only(versions));
        if (images_ == nullptr) co_return Result<>{};
        std::vector<std::string> roots;
        for (const BuiltVersion& one : versions)
            if (!one.image_root.empty()) roots.push_back(one.image_root);
        co_return images_->keep_only(roots);
    }

    Detached run_collection() {
        const Result<> collected = co_await collect();
        if (!collected)
            AC_LOG(warn, "what no version uses was not removed",
                   {"what", collected.error().message});
    }

    Detached run_build(PendingBuild build) {
        ++builds_begun_;
        ++unsettled_builds_;
        auto building = build_and_store(std::move(build));
        const Result<> kept = co_await std::move(building);
        --unsettled_builds_;
        if (!kept || draining_) co_return;
        if (unsettled_builds_ == 0 && std::exchange(collects_later_, false))
            tasks_.spawn("collection", run_collection());
    }

    // An Error: it was cut short, and is resumed by the next start.
    Task<> build_and_store(PendingBuild build) {
        // Waits for its turn; at the end, hands it on.
        Completion<void> turn;
        if (builds_under_way_ >= config_.limits.builds_at_once) {
            build_queue_.push_back(turn);
            AC_CO_CHECK(co_await turn.cancellable_result());
        } else {
            ++builds_under_way_;
        }
        Result<BuiltVersion> built = co_await identify(build);
        if (built) built = co_await builder_.build(build);
        if (build_queue_.empty()) {
            --builds_under_way_;
        } else {
            build_queue_.front().complete({});
            build_queue_.pop_front();
        }
        if (draining_) co_return fail(ErrorCode::cancelled, "the server is shutting down");
        if (!built) {
            collects_later_ = true;  // of what it unpacked nobody knows
            AC_LOG(info, "build failed", {"runtime", build.id.text()}, {"version", build.version});
        }
        const Result<> kept = co_await catalog_->build_ended(build, built);
        if (!kept) {
            AC_LOG(error, "the end of a build could not be stored", {"runtime", build.id.text()},
                   {"what", kept.error().message});
        }
        co_return Result<>{};
    }

    // Before the runtime can be ready.
    Task<BuiltVersion> identify(const PendingBuild& build) {
        if (identities_) {
            AC_CO_CHECK(co_await identities_->ensure(build.scope, build.id));
        }
        co_return BuiltVersion{};
    }

    Detached run_delete(Scope scope, RuntimeId id) {
        const Resource all{.runtime = id};
        host_.end(scope, all, StopReason::removed);
        if (!co_await host_.wait_gone(scope, id)) co_return;  // resumed by the next start
        auto remove = [this, id, folder = config_.folder / "logs" / id.text()]() -> Result<> {
            std::error_code error;
            std::filesystem::remove_all(folder, error);
            host_.storage().forget(id);
            return {};
        };
        (void)co_await pool_.run(remove);
        if (identities_ && !co_await identities_->forget(scope, id)) co_return;  // likewise
        const Result<> purged = co_await catalog_->purge(scope, id);
        if (!purged) {
            AC_LOG(error, "a deleted runtime could not be removed", {"runtime", id.text()},
                   {"what", purged.error().message});
            co_return;
        }
        tasks_.spawn("collection", run_collection());
    }

    const RuntimeConfig config_;
    Timer& timer_;
    Random& random_;
    ThreadPool& pool_;
    WorkloadIdentities* const identities_;
    std::unique_ptr<Catalog> catalog_;
    ImageSource* const images_;
    Signal ending_;
    Builder builder_;
    SessionHost host_;

    // The loop only.
    std::size_t builds_under_way_ = 0;
    std::size_t unsettled_builds_ = 0;  // also those that wait, or whose end is being stored
    std::uint64_t builds_begun_ = 0;
    bool collects_later_ = false;
    std::deque<Completion<void>> build_queue_;
    std::atomic<bool> draining_{false};
    Shells shells_;  // its work is of the group below

    TaskGroup tasks_;
};

}  // namespace

Result<std::unique_ptr<RuntimeService>> make_runtime_service(Dependencies dependencies) {
    auto service = std::make_unique<Service>(std::move(dependencies));
    AC_CHECK(service->prepare());
    return service;
}

}  // namespace ac::runtime
