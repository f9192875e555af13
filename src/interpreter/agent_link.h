#pragma once
// The daemon's end of a session's channel. Calls go out from any thread; one coroutine on one loop
// reads the answers and hands each event to its call. When the guest has ended, every call ends
// with the Error that says how.

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/json/object.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>

#include "async/completion.h"
#include "async/task.h"
#include "base/file.h"
#include "interpreter/frames.h"

namespace ac::interpreter {

// What an agent said about one call; the last event is "done".
struct AgentEvent {
    std::string kind;  // output, display, done
    boost::json::object header;
    std::string body;
    bool is_last() const { return kind == "done"; }
};

class AgentLink;

// One call under way. next() is awaited by one coroutine at a time.
class AgentCall final {
  public:
    AgentCall(std::shared_ptr<AgentLink> link, std::uint64_t id)
        : link_(std::move(link)), id_(id) {}
    ~AgentCall();
    AgentCall(const AgentCall&) = delete;
    AgentCall& operator=(const AgentCall&) = delete;

    // Ends when an event is there or the call has failed; cancellable, nothing is lost by it.
    Task<> wait();
    // nullopt: nothing now. After a failure, once the events are taken: the Error.
    Result<std::optional<AgentEvent>> take();
    // The caller has gone: what runs for it is interrupted.
    void cancel();

  private:
    friend class AgentLink;
    std::shared_ptr<AgentLink> link_;
    std::uint64_t id_;
    std::deque<AgentEvent> events_;  // these three guarded by the link's mutex
    std::size_t queued_bytes_ = 0;
    std::optional<Completion<void>> waiter_;
    bool is_done_ = false;
};

class AgentLink final : public std::enable_shared_from_this<AgentLink> {
  public:
    // `socket` is a connected, non-blocking stream socket.
    AgentLink(Executor executor, UniqueFd socket);

    // Thread-safe. The header gets its "call". quota_exceeded: too many calls are under way.
    Result<std::shared_ptr<AgentCall>> call(boost::json::object header, std::string body);
    // With descriptors beside it. unavailable: the agent has not read what came before.
    Result<std::shared_ptr<AgentCall>> call_with(boost::json::object header,
                                                 std::span<const int> descriptors);
    // Until the agent closes or breaks its end. Run once, on the loop.
    Task<> read();
    // Sends what the socket could not take at once. Run once, on the loop.
    Task<> write();
    // Thread-safe. All calls, and all that come, end with `why`.
    void close(Error why);
    // The agent has said that it serves.
    Completion<std::string> ready() const { return ready_; }

  private:
    friend class AgentCall;
    Task<> wait_drained(const std::shared_ptr<AgentCall>& call);
    std::shared_ptr<AgentCall> deliver(Frame frame);
    bool send_now(std::string& bytes);
    bool send_with(const std::string& frame, std::span<const int> descriptors);
    void forget(std::uint64_t id);

    boost::asio::posix::basic_stream_descriptor<Executor> socket_;
    std::mutex mutex_;  // all below
    std::unordered_map<std::uint64_t, std::weak_ptr<AgentCall>> calls_;
    std::deque<std::string> outgoing_;
    std::optional<Completion<void>> writer_;
    std::optional<Completion<void>> drained_;
    std::optional<Error> closed_;
    std::uint64_t next_id_ = 1;
    bool writing_ = false;

    Completion<std::string> ready_;
};

}  // namespace ac::interpreter
