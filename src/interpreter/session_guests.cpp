// The guests of sessions: made, kept ready, watched and ended.

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "async/pipe.h"
#include "base/log.h"
#include "interpreter/sessions.h"

namespace ac::interpreter {
namespace {

namespace json = boost::json;

constexpr Milliseconds kTick{1000};
constexpr std::size_t kLastWordsMax = 4096;
constexpr int kSocketBytes = 1 << 20;

struct Ends {
    UniqueFd ours;
    UniqueFd theirs;
};

Result<Ends> make_channel() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail(errno_error("cannot make a channel", errno));
    Ends out{UniqueFd(ends[0]), UniqueFd(ends[1])};
    for (const int fd : ends)
        (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSocketBytes, sizeof kSocketBytes);
    return out;
}

// As curl, requests, httpx and (told so) Node read it.
json::object way_out() {
    json::object variables;
    for (const char* name : {"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"})
        variables[name] = kEgressUrl;
    variables["NO_PROXY"] = variables["no_proxy"] = "localhost,127.0.0.1,::1";
    variables["NODE_USE_ENV_PROXY"] = "1";
    variables["NODE_OPTIONS"] = "--require=/opt/agentcored/agentcored_guest/node_proxy.cjs";
    return variables;
}

std::string how_it_ended(const Result<sandbox::Outcome>& outcome) {
    if (!outcome) return outcome.error().message;
    if (outcome->reason == sandbox::Reason::out_of_memory)
        return "it used more memory than a session may";
    if (!outcome->detail.empty()) return outcome->detail;
    return std::string(to_string(outcome->reason)) + ' ' + std::to_string(outcome->code);
}

}  // namespace

Task<Sessions::GuestPointer> Sessions::take_guest(TemplatePointer from) {
    GuestPointer found;
    {
        const std::lock_guard lock(mutex_);
        last_start_ = parts_.timer.clock().steady();
        while (!found && !pool_.empty() && (!from || pool_.back()->from == from)) {
            found = std::move(pool_.back());
            pool_.pop_back();
            if (found->has_ended) found.reset();
        }
        if (!from) from = template_;
    }
    use_again();
    if (found) co_return found;
    // On the guests' loop, whoever asks.
    Completion<GuestPointer> made;
    tasks_.spawn("interpreter guest", provide_guest(made, std::move(from)));
    co_return co_await made.result();
}

Detached Sessions::provide_guest(Completion<GuestPointer> done, TemplatePointer from) {
    auto guest = co_await make_guest(std::move(from));
    done.complete(std::move(guest));
}

// A guest that was made ahead of demand does not know whose it will be: its way out is opened, and
// told to its agent, when a session takes it. What the agent is asked afterwards comes behind.
Task<> Sessions::connect(GuestPointer guest, NetworkMode network) {
    if (parts_.network == nullptr || !parts_.network->serves(network)) co_return Result<>{};
    Completion<void> opened;
    tasks_.spawn("interpreter network", open_network(guest, network, opened));
    AC_CO_CHECK(co_await opened.result());
    json::object header;
    header["op"] = "environment";
    header["variables"] = way_out();
    AC_CO_TRY([[maybe_unused]] const auto told, guest->link->call(std::move(header), {}));
    co_return Result<>{};
}

Detached Sessions::open_network(GuestPointer guest, NetworkMode network, Completion<void> done) {
    auto listener = co_await guest->monitor->listen(kEgressPort);
    if (!listener) {
        done.complete(fail(std::move(listener).error()));
        co_return;
    }
    auto opened = parts_.network->open(*std::move(listener), network);
    if (!opened) {
        done.complete(fail(std::move(opened).error()));
        co_return;
    }
    bool has_ended = false;
    {
        const std::lock_guard lock(mutex_);
        has_ended = guest->has_ended;
    }
    if (!has_ended) guest->network = *std::move(opened);
    done.complete({});
}

Task<Sessions::GuestPointer> Sessions::make_guest(TemplatePointer from) {
    AC_CO_TRY(Ends ends, make_channel());
    AC_CO_TRY(Pipe errors, make_pipe());
    GuestImage::Streams streams{std::move(ends.theirs), std::move(errors.writing)};
    AC_CO_TRY(GuestStart start, from ? parts_.image.thaw(*from, parts_.limits, std::move(streams))
                                     : parts_.image.start(parts_.limits, std::move(streams)));
    AC_CO_TRY(auto monitor, co_await parts_.sandbox.start(std::move(start.policy), start.limits,
                                                          std::move(start.command)));
    auto guest = std::make_shared<Guest>();
    guest->monitor = std::move(monitor);
    guest->from = std::move(from);
    guest->link = std::make_shared<AgentLink>(parts_.loop.executor(), std::move(ends.ours));
    {
        const std::lock_guard lock(mutex_);
        guests_.push_back(guest);
        // Whoever drains has not seen it.
        if (draining_) guest->monitor->stop(Milliseconds{0});
    }
    tasks_.spawn("interpreter errors", read_errors(guest, std::move(errors.reading)));
    tasks_.spawn("interpreter reader", serve_link(guest, true));
    tasks_.spawn("interpreter writer", serve_link(guest, false));
    tasks_.spawn("interpreter watch", watch(guest));
    co_return guest;
}

// A broken channel is the end of the guest; its outcome tells callers more than the channel can.
Detached Sessions::serve_link(GuestPointer guest, bool reads) {
    Result<> ended;
    if (reads)
        ended = co_await guest->link->read();
    else
        ended = co_await guest->link->write();
    guest->monitor->stop(Milliseconds{0});
}

Detached Sessions::read_errors(GuestPointer guest, UniqueFd reading) {
    const auto executor = co_await asio::this_coro::executor;
    PipeReader reader(executor, std::move(reading));
    std::array<char, 4096> buffer;
    while (true) {
        const auto size = co_await reader.read_some(buffer);
        if (!size || *size == 0) co_return;
        if (guest->last_words.size() < kLastWordsMax)
            guest->last_words.append(buffer.data(), *size);
    }
}

Detached Sessions::watch(GuestPointer guest) {
    const auto outcome = co_await guest->monitor->wait();
    const std::string how = how_it_ended(outcome);
    std::string key;
    {
        const std::lock_guard lock(mutex_);
        guest->has_ended = true;
        std::erase(guests_, guest);
        std::erase(pool_, guest);
        for (const auto& [name, live] : live_)
            if (live.guest == guest) key = name;
    }
    guest->network.reset();
    const bool was_asked = outcome && outcome->reason == sandbox::Reason::stopped;
    if (!was_asked && !guest->last_words.empty())
        AC_LOG(warn, "a code interpreter's agent ended", {"how", how}, {"said", guest->last_words});
    guest->link->close(
        {.code = ErrorCode::guest_failed,
         .message = "The session has ended, and its files and state are lost: " + how + '.'});
    if (key.empty()) co_return;
    const auto finished = co_await finish(std::move(key));
    if (!finished)
        AC_LOG(warn, "a session's end was not stored", {"reason", finished.error().message});
}

void Sessions::use_again() {
    {
        const std::lock_guard lock(mutex_);
        if (filling_ || draining_ || pool_.size() >= parts_.limits.pool) return;
        filling_ = true;
    }
    tasks_.spawn("interpreter pool", fill_pool());
}

// One after the other: who waits for a session has the processors first.
Detached Sessions::fill_pool() {
    (void)co_await provide_template();
    while (true) {
        TemplatePointer from;
        {
            const std::lock_guard lock(mutex_);
            filling_ = !draining_ && pool_.size() < parts_.limits.pool;
            if (!filling_) co_return;
            from = template_;
        }
        auto guest = co_await make_guest(std::move(from));
        Result<> usable = fail(ErrorCode::cancelled, "");
        if (guest) {
            const auto ready = co_await (*guest)->link->ready().cancellable_result();
            if (ready) usable = {};
        }
        const std::lock_guard lock(mutex_);
        if (!usable || draining_) {
            // A start that must not fail will say why.
            filling_ = false;
            if (guest) (*guest)->monitor->stop(Milliseconds{0});
            co_return;
        }
        if (!(*guest)->has_ended) pool_.push_back(*std::move(guest));
    }
}

// Before the pool, so that what is in it has the imports; who cannot wait starts without.
Task<> Sessions::provide_template() {
    {
        const std::lock_guard lock(mutex_);
        if (template_ || is_template_impossible_ || draining_) co_return Result<>{};
    }
    GuestStart start = parts_.image.freeze(parts_.limits);
    auto made = co_await sandbox::make_template(parts_.sandbox, std::move(start.policy),
                                                start.limits, std::move(start.command));
    if (!made)
        AC_LOG(warn, "code interpreter sessions start without a template",
               {"why", made.error().message});
    const std::lock_guard lock(mutex_);
    is_template_impossible_ = !made;
    if (made) template_ = *std::move(made);
    co_return Result<>{};
}

void Sessions::start_clock() {
    {
        const std::lock_guard lock(mutex_);
        if (keeping_time_ || draining_) return;
        keeping_time_ = true;
    }
    tasks_.spawn("interpreter clock", keep_time());
}

// Looks at all sessions once a second while there are any, instead of a timer each.
Detached Sessions::keep_time() {
    while (true) {
        const bool slept = (co_await sleep_for(parts_.timer, kTick)).has_value();
        const SteadyTime now = parts_.timer.clock().steady();
        const std::lock_guard lock(mutex_);
        for (const auto& [key, live] : live_)
            if (now >= live.deadline) live.guest->monitor->stop(Milliseconds{0});
        if (now - last_start_ > parts_.limits.pool_idle)
            for (const GuestPointer& guest : std::exchange(pool_, {}))
                guest->monitor->stop(Milliseconds{0});
        if (live_.empty() && pool_.empty() && !filling_) template_.reset();
        if ((live_.empty() && pool_.empty()) || !slept) {
            keeping_time_ = false;
            co_return;
        }
    }
}

}  // namespace ac::interpreter
