#include "sandbox/linux/launcher_channel.h"

#include <sys/socket.h>

#include <algorithm>

#include "base/log.h"

namespace ac::sandbox {
namespace {

// The launcher makes one guest after the other. What it has been asked for beyond these would only
// stand in its way: sockets of guests that run already are asked for through the same channel.
constexpr std::size_t kSpawnsAtOnce = 4;

Error launcher_gone() {
    return {ErrorCode::unavailable, "the sandbox launcher is gone, and every guest with it"};
}

}  // namespace

void GuestEnd::tell(Result<Outcome> outcome) {
    std::vector<Completion<Outcome>> waiters;
    {
        const std::lock_guard lock(mutex_);
        if (outcome_) return;
        outcome_ = outcome;
        waiters = std::move(waiters_);
    }
    for (const auto& waiter : waiters) waiter.complete(outcome);
}

Task<Outcome> GuestEnd::wait() {
    Completion<Outcome> done;
    {
        const std::lock_guard lock(mutex_);
        if (outcome_)
            done.complete(*outcome_);
        else
            waiters_.push_back(done);
    }
    return done.result();
}

LauncherChannel::LauncherChannel(UniqueFd socket, Loop& loop, std::function<void()> on_gone)
    : socket_(loop.executor(), socket.release()), tell_gone_(std::move(on_gone)) {
    set_nonblocking(socket_.native_handle());
}

void LauncherChannel::start_reading() {
    read_later();
}

void LauncherChannel::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    ::shutdown(socket_.native_handle(), SHUT_RDWR);
}

std::uint64_t LauncherChannel::next_id() {
    const std::lock_guard lock(mutex_);
    return ++last_id_;
}

std::shared_ptr<GuestEnd> LauncherChannel::add_guest(std::uint64_t id) {
    auto end = std::make_shared<GuestEnd>();
    const std::lock_guard lock(mutex_);
    guests_[id] = end;
    return end;
}

void LauncherChannel::forget_guest(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    guests_.erase(id);
    std::erase_if(spawns_, [id](const Outgoing& spawn) { return spawn.id == id; });
}

Completion<Answer> LauncherChannel::ask(std::uint64_t id, const Request& request,
                                        std::vector<UniqueFd> descriptors) {
    Completion<Answer> answer;
    std::string bytes = encode(request);
    if (bytes.size() > kMessageBytesMax) {
        answer.complete(fail(ErrorCode::invalid_argument,
                             "arguments, environment and mounts of a sandbox are too large"));
        return answer;
    }
    const std::lock_guard lock(mutex_);
    if (gone_) {
        answer.complete(fail(launcher_gone()));
        return answer;
    }
    pending_[id] = answer;
    Outgoing outgoing{id, std::move(bytes), std::move(descriptors)};
    if (!std::holds_alternative<SpawnRequest>(request)) {
        queue(std::move(outgoing));
    } else {
        spawns_.push_back(std::move(outgoing));
        spawn_next();
    }
    return answer;
}

void LauncherChannel::tell(const Request& request) {
    const std::lock_guard lock(mutex_);
    queue({0, encode(request), {}});
}

void LauncherChannel::spawn_next() {
    while (!spawns_.empty() && spawning_.size() < kSpawnsAtOnce) {
        spawning_.insert(spawns_.front().id);
        queue(std::move(spawns_.front()));
        spawns_.pop_front();
    }
}

void LauncherChannel::queue(Outgoing outgoing) {
    if (gone_) return;
    outbox_.push_back(std::move(outgoing));
    if (outbox_.size() == 1 || !write_waits_) flush();
}

void LauncherChannel::flush() {
    while (!outbox_.empty()) {
        const Outgoing& first = outbox_.front();
        std::vector<int> descriptors;
        for (const UniqueFd& descriptor : first.descriptors)
            descriptors.push_back(descriptor.get());
        const auto sent = send_packet(socket_.native_handle(), first.bytes, descriptors);
        if (!sent) return outbox_.clear();  // reading tells what to do about it
        if (!*sent) break;
        outbox_.pop_front();
    }
    if (outbox_.empty() || write_waits_) return;
    write_waits_ = true;
    socket_.async_wait(Descriptor::wait_write,
                       [self = shared_from_this()](const boost::system::error_code&) {
                           const std::lock_guard lock(self->mutex_);
                           self->write_waits_ = false;
                           self->flush();
                       });
}

void LauncherChannel::read_later() {
    socket_.async_wait(Descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                           if (!error) self->read_now();
                       });
}

void LauncherChannel::read_now() {
    while (true) {
        auto packet = receive_packet(socket_.native_handle());
        if (!packet) return on_gone();
        if (!*packet) break;
        on_answer(std::move(**packet));
    }
    read_later();
}

void LauncherChannel::on_answer(Packet packet) {
    auto notice = decode_notice(packet.bytes);
    if (!notice) {
        AC_LOG(error, "the sandbox launcher sent a message that makes no sense");
        return;
    }
    if (const auto* ended = std::get_if<EndedNotice>(&*notice)) {
        std::shared_ptr<GuestEnd> guest;
        {
            const std::lock_guard lock(mutex_);
            const auto found = guests_.find(ended->guest);
            if (found == guests_.end()) return;
            guest = found->second;
            guests_.erase(found);
        }
        return guest->tell(ended->outcome);
    }
    const std::uint64_t id = std::visit(
        [](const auto& n) {
            if constexpr (requires { n.id; })
                return n.id;
            else
                return std::uint64_t{0};
        },
        *notice);
    std::optional<Completion<Answer>> waiting;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = pending_.find(id); found != pending_.end()) {
            waiting = std::move(found->second);
            pending_.erase(found);
        }
        if (spawning_.erase(id) != 0) spawn_next();
    }
    if (!waiting) return;
    if (auto* failed = std::get_if<FailedNotice>(&*notice))
        return waiting->complete(fail(failed->code, std::move(failed->message)));
    Answer answer{std::move(*notice), {}};
    if (!packet.descriptors.empty()) answer.descriptor = std::move(packet.descriptors.front());
    waiting->complete(std::move(answer));
}

void LauncherChannel::on_gone() {
    std::map<std::uint64_t, Completion<Answer>> pending;
    std::map<std::uint64_t, std::shared_ptr<GuestEnd>> guests;
    bool unasked = false;
    {
        const std::lock_guard lock(mutex_);
        gone_ = true;
        unasked = !closed_;
        pending.swap(pending_);
        guests.swap(guests_);
        outbox_.clear();
        spawns_.clear();
    }
    for (const auto& [id, waiting] : pending) waiting.complete(fail(launcher_gone()));
    for (const auto& [id, guest] : guests) guest->tell(fail(launcher_gone()));
    if (unasked && tell_gone_) tell_gone_();
}

}  // namespace ac::sandbox
