// The guests of sessions: made, watched and ended.

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

constexpr std::size_t kLastWordsMax = 4096;
constexpr int kSocketBytes = 1 << 20;
// Guests die of many things; as many as this one after the other have died of their template.
constexpr int kTemplateFailuresMax = 3;

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

std::string last_line(std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    return std::string(text.substr(text.rfind('\n') + 1));
}

std::string how_it_ended(const Result<sandbox::Outcome>& outcome, const std::string& last_words) {
    if (!outcome) return outcome.error().message;
    // Its channel broke, whereupon we have ended the rest: that is not the reason.
    if (outcome->reason == sandbox::Reason::stopped && !last_words.empty())
        return "its agent failed: " + last_line(last_words);
    if (outcome->reason == sandbox::Reason::out_of_memory)
        return "it used more memory than a session may";
    if (!outcome->detail.empty()) return outcome->detail;
    return std::string(to_string(outcome->reason)) + ' ' + std::to_string(outcome->code);
}

}  // namespace

Task<Sessions::GuestPointer> Sessions::take_guest(TemplatePointer from) {
    GuestPointer found;
    const TemplatePointer needed = from;
    {
        const std::lock_guard lock(mutex_);
        starts_.push_back(parts_.timer.clock().steady());
        if (starts_.size() > std::max<std::size_t>(parts_.limits.pool_max, 1)) starts_.pop_front();
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
    AC_CO_TRY(GuestPointer guest, co_await made.result());
    if (!needed || guest->from == needed) co_return guest;
    guest->monitor->stop(Milliseconds{0});
    co_return fail(ErrorCode::unavailable,
                   "the session cannot be forked: its template is of no use");
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

// A template of which nothing can be made costs a start, not a session.
Task<Sessions::GuestPointer> Sessions::make_guest(TemplatePointer from) {
    AC_CO_TRY(GuestPointer guest, co_await start_guest(from));
    if (!from) co_return guest;
    const auto ready = co_await guest->link->ready().cancellable_result();
    if (ready) {
        const std::lock_guard lock(mutex_);
        template_failures_ = 0;
        co_return guest;
    }
    template_failed(from, ready.error());
    guest->monitor->stop(Milliseconds{0});
    co_return co_await start_guest(nullptr);
}

void Sessions::template_failed(const TemplatePointer& which, const Error& why) {
    const std::lock_guard lock(mutex_);
    if (draining_) return;
    AC_LOG(warn, "a code interpreter session could not come from the template",
           {"why", why.message});
    if (++template_failures_ < kTemplateFailuresMax || template_ != which) return;
    template_.reset();
    is_template_impossible_ = true;
}

Task<Sessions::GuestPointer> Sessions::start_guest(TemplatePointer from) {
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
    const std::string how = how_it_ended(outcome, guest->last_words);
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

}  // namespace ac::interpreter
