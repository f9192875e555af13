#pragma once
// The daemon's end of the launcher's socket: matches answers to requests and tells each guest's end
// to who waits for it. Thread-safe; reads on one loop.

#include <boost/asio/posix/stream_descriptor.hpp>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "async/completion.h"
#include "async/loop.h"
#include "sandbox/linux/channel.h"
#include "sandbox/linux/protocol.h"

namespace ac::sandbox {

// What has become of one guest.
class GuestEnd final {
  public:
    void tell(Result<Outcome> outcome);
    Task<Outcome> wait();

  private:
    std::mutex mutex_;
    std::optional<Result<Outcome>> outcome_;
    std::vector<Completion<Outcome>> waiters_;
};

struct Answer {
    Notice notice;
    UniqueFd descriptor;
};

class LauncherChannel final : public std::enable_shared_from_this<LauncherChannel> {
  public:
    // `on_gone`: the launcher has ended before close().
    LauncherChannel(UniqueFd socket, Loop& loop, std::function<void()> on_gone);

    void start_reading();
    // The launcher sees the end of its socket, and ends every guest.
    void close();

    std::uint64_t next_id();
    std::shared_ptr<GuestEnd> add_guest(std::uint64_t id);
    void forget_guest(std::uint64_t id);

    // Sends, and registers for the answer to `id`. Guests beyond a few are asked for one after the
    // other, in this order.
    Completion<Answer> ask(std::uint64_t id, const Request& request,
                           std::vector<UniqueFd> descriptors = {});
    void tell(const Request& request);

  private:
    using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
    struct Outgoing {
        std::uint64_t id;
        std::string bytes;
        std::vector<UniqueFd> descriptors;
    };
    // mutex_ held
    void queue(Outgoing outgoing);
    void flush();
    void spawn_next();

    void read_later();
    void read_now();
    void on_answer(Packet packet);
    void on_gone();

    Descriptor socket_;
    const std::function<void()> tell_gone_;
    std::mutex mutex_;
    bool closed_ = false;
    std::uint64_t last_id_ = 0;
    bool gone_ = false;
    bool write_waits_ = false;
    std::map<std::uint64_t, Completion<Answer>> pending_;
    std::map<std::uint64_t, std::shared_ptr<GuestEnd>> guests_;
    std::deque<Outgoing> outbox_;
    std::set<std::uint64_t> spawning_;  // asked for, not answered
    std::deque<Outgoing> spawns_;       // not asked for yet
};

}  // namespace ac::sandbox
