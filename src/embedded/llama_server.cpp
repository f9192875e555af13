#include "embedded/llama_server.h"

#include <fmt/format.h>

#include <array>

#include "base/log.h"
#include "models/chat.h"

namespace ac::embedded {
namespace {

constexpr Milliseconds kTick{500};
constexpr Milliseconds kFirstLook{20};
constexpr Milliseconds kLongestLook{500};
constexpr Milliseconds kStopGrace{500};  // it holds nothing worth saving
constexpr Seconds kHealthMax{5};
constexpr std::size_t kHealthBytesMax = 4096;
constexpr std::size_t kLastWordsMax = 2048;

// Into one guest, without asking whether it is ready.
class GuestPort final : public net::Connector {
  public:
    explicit GuestPort(std::shared_ptr<sandbox::Monitor> monitor) : monitor_(std::move(monitor)) {}
    Task<UniqueFd> connect(SteadyTime) override { return monitor_->connect(kLlamaPort); }

  private:
    std::shared_ptr<sandbox::Monitor> monitor_;
};

net::RequestHead health_request() {
    return {.method = "GET", .target = "/health", .headers = {{"Host", "127.0.0.1"}}};
}

std::string describe(const sandbox::Outcome& outcome) {
    std::string text =
        outcome.detail.empty() ? std::string(to_string(outcome.reason)) : outcome.detail;
    constexpr int kIllegalInstruction = 4;
    if (outcome.reason == sandbox::Reason::out_of_memory)
        text += "; models.embedded.memory_bytes_max bounds it";
    if (outcome.reason == sandbox::Reason::signaled && outcome.code == kIllegalInstruction)
        text += "; it needs a processor with AVX2";
    return text;
}

}  // namespace

LlamaServer::Use::~Use() {
    if (server_ != nullptr) server_->leave();
}

LlamaServer::LlamaServer(Dependencies dependencies, LlamaOptions options, ChooseModel choose)
    : dependencies_(dependencies),
      options_(std::move(options)),
      choose_(std::move(choose)),
      life_(options_.times),
      tasks_(dependencies.executor) {}

LlamaServer::~LlamaServer() = default;

LlamaState LlamaServer::state() const {
    const std::lock_guard lock(mutex_);
    return life_.state();
}

std::shared_ptr<sandbox::Monitor> LlamaServer::monitor() const {
    const std::lock_guard lock(mutex_);
    return monitor_;
}

void LlamaServer::leave() {
    const std::lock_guard lock(mutex_);
    life_.leave(dependencies_.timer.clock().steady());
}

void LlamaServer::wake() {
    for (const Waiter& waiter : waiters_) waiter.changed.complete({});
    waiters_.clear();
}

Task<LlamaServer::Use> LlamaServer::use(SteadyTime deadline) {
    AC_CO_CHECK(co_await until_ready(deadline, true));
    co_return Use(*this);
}

Task<UniqueFd> LlamaServer::connect(SteadyTime deadline) {
    AC_CO_CHECK(co_await until_ready(deadline, false));
    const auto guest = monitor();
    if (!guest) co_return fail(models::model_not_ready("the embedded model's server has ended"));
    co_return co_await guest->connect(kLlamaPort);
}

// Another model has become the default: the server is replaced as soon as nobody uses it.
bool LlamaServer::is_outdated(const std::filesystem::path& chosen) {
    return life_.state() == LlamaState::ready && life_.in_flight() == 0 && running_ != chosen;
}

Task<> LlamaServer::until_ready(SteadyTime deadline, bool enters) {
    AC_CO_TRY(const auto chosen, choose_());
    while (true) {
        Completion<void> changed;
        bool starts = false;
        bool starts_time = false;
        {
            const std::lock_guard lock(mutex_);
            const SteadyTime now = dependencies_.timer.clock().steady();
            if (closed_) co_return fail(ErrorCode::unavailable, "the server is shutting down");
            if (enters && is_outdated(chosen) && life_.ask_stop()) monitor_->stop(kStopGrace);
            const LlamaDemand demand = life_.demand(now);
            if (demand == LlamaDemand::refused) co_return fail(last_error_);
            if (demand == LlamaDemand::ready) {
                if (enters) life_.enter();
                co_return Result<>{};
            }
            starts = demand == LlamaDemand::start;
            waiters_.push_back({deadline, changed});
            starts_time = !std::exchange(keeps_time_, true);
        }
        if (starts) tasks_.spawn("model server", run());
        if (starts_time) tasks_.spawn("model server's clock", keep_time());
        AC_CO_CHECK(co_await changed.cancellable_result());
    }
}

Detached LlamaServer::run() {
    const SteadyTime began = dependencies_.timer.clock().steady();
    const auto started = co_await start_guest();
    const auto guest = monitor();
    if (started) {
        const std::lock_guard lock(mutex_);
        const SteadyTime now = dependencies_.timer.clock().steady();
        life_.became_ready(now);
        AC_LOG(info, "embedded model ready", {"model", running_.filename().string()},
               {"ms", std::chrono::duration_cast<Milliseconds>(now - began).count()});
        wake();
    } else if (!guest) {
        ended(started.error());
        co_return;
    } else {
        guest->stop(Milliseconds{0});
    }
    const auto outcome = co_await guest->wait();
    std::string why = started ? "the embedded model's server ended: " : "";
    if (!started) why = started.error().message;
    if (outcome && (started || outcome->reason != sandbox::Reason::stopped))
        why += (started ? "" : ": ") + describe(*outcome);
    ended(models::model_not_ready(std::move(why)));
}

void LlamaServer::ended(Error why) {
    const std::lock_guard lock(mutex_);
    const bool told = life_.state() == LlamaState::stopping;
    life_.ended(dependencies_.timer.clock().steady());
    monitor_.reset();
    if (!told) {
        if (!last_words_.empty()) why.message += "; it said: " + last_words_;
        AC_LOG(warn, "embedded model failed", {"reason", why.message},
               {"failures", life_.failures()});
        last_error_ = std::move(why);
    }
    wake();
}

Task<> LlamaServer::start_guest() {
    AC_CO_TRY(const auto model, choose_());
    std::error_code error;
    const auto bytes = std::filesystem::file_size(model, error);
    if (error)
        co_return fail(ErrorCode::not_found,
                       fmt::format("cannot read {}: {}", model.string(), error.message()));
    LlamaGuest plan = plan_llama(options_, model, bytes);
    AC_CO_TRY(Pipe errors, make_pipe());
    sandbox::Command command{.argv = std::move(plan.argv),
                             .environment = std::move(plan.environment),
                             .standard_error = std::move(errors.writing)};
    AC_CO_TRY(auto started, co_await dependencies_.sandbox.start(std::move(plan.policy),
                                                                 plan.limits, std::move(command)));
    std::shared_ptr<sandbox::Monitor> guest = std::move(started);
    {
        const std::lock_guard lock(mutex_);
        monitor_ = guest;
        running_ = model;
        last_words_.clear();
        // It was told to stop while there was nobody to tell.
        if (life_.state() == LlamaState::stopping) guest->stop(Milliseconds{0});
    }
    tasks_.spawn("model server's errors", read_errors(std::move(errors.reading)));
    co_return co_await wait_listening(std::move(guest));
}

Task<> LlamaServer::wait_listening(std::shared_ptr<sandbox::Monitor> guest) {
    GuestPort port(guest);
    constexpr std::size_t kKeepNone = 0;
    const auto pool = net::make_client_pool(port, dependencies_.timer, {}, kKeepNone);
    const Clock& clock = dependencies_.timer.clock();
    const SteadyTime deadline = clock.steady() + options_.start_timeout;
    auto pause = kFirstLook;
    bool told = false;
    while (clock.steady() < deadline && !told) {
        const auto health = co_await net::fetch(*pool, health_request(), std::string(),
                                                clock.steady() + kHealthMax, kHealthBytesMax);
        if (health && health->status == 200) co_return Result<>{};
        AC_CO_CHECK(co_await dependencies_.timer.sleep_until(clock.steady() + pause));
        pause = std::min(pause * 3 / 2, kLongestLook);
        const auto usage = co_await guest->usage();
        const std::lock_guard lock(mutex_);
        told = !usage || life_.state() != LlamaState::starting;
    }
    if (told) co_return fail(models::model_not_ready("the embedded model's server did not start"));
    co_return fail(models::model_not_ready(
        fmt::format("the embedded model's server did not answer within {} s of its start",
                    options_.start_timeout.count())));
}

Detached LlamaServer::read_errors(UniqueFd reading) {
    const auto executor = co_await asio::this_coro::executor;
    PipeReader reader(executor, std::move(reading));
    std::array<char, 4096> buffer;
    while (true) {
        const auto size = co_await reader.read_some(buffer);
        if (!size || *size == 0) co_return;
        const std::lock_guard lock(mutex_);
        last_words_.append(buffer.data(), *size);
        if (last_words_.size() > kLastWordsMax)
            last_words_.erase(0, last_words_.size() - kLastWordsMax);
    }
}

Detached LlamaServer::keep_time() {
    while (true) {
        const bool slept = (co_await sleep_for(dependencies_.timer, kTick)).has_value();
        const std::lock_guard lock(mutex_);
        const SteadyTime now = dependencies_.timer.clock().steady();
        if (life_.tick(now)) {
            AC_LOG(info, "embedded model stopped: it was idle");
            monitor_->stop(kStopGrace);
        }
        std::erase_if(waiters_, [&](const Waiter& waiter) {
            if (slept && now < waiter.deadline) return false;
            waiter.changed.complete(
                fail(ErrorCode::deadline_exceeded, "the embedded model was not ready in time"));
            return true;
        });
        if (slept && (life_.state() != LlamaState::stopped || !waiters_.empty())) continue;
        keeps_time_ = false;
        co_return;
    }
}

Task<> LlamaServer::stop() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        if (life_.ask_stop() && monitor_) monitor_->stop(kStopGrace);
        wake();
    }
    tasks_.cancel();
    co_return co_await tasks_.join();
}

}  // namespace ac::embedded
