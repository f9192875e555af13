#pragma once
// One InvokeAgentRuntime: a byte proxy between a caller's exchange and the agent of a session. No
// body is held in memory beyond one buffer each way; a small request is kept so that it can be sent
// again when the kept-alive connection to the agent had just been closed.

#include <optional>
#include <string>

#include "async/signal.h"
#include "async/timer.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "runtime/limits.h"
#include "runtime/session_host.h"

namespace ac::runtime {

class Invocation final {
  public:
    // All outlive the invocation. `lease` is of a ready session. `identity` goes to the agent.
    // When `ending` is raised, what streams already has stream_drain left.
    Invocation(Lease& lease, AgentCall call, std::string request_id, net::Exchange& exchange,
               net::Body& body, Timer& timer, const RuntimeLimits& limits, Signal& ending,
               net::Headers identity = {});

    // See RuntimeService::invoke.
    Task<> run();

  private:
    // Who is to blame for an Error on its way up.
    enum class Fault { none, guest, caller };

    net::RequestHead request_for_guest() const;
    void name_mcp_session(net::Headers& headers) const;
    net::Headers headers_for_caller(const net::ResponseHead& head) const;
    bool passes_on(int status) const;
    Task<> read_small_body();
    Task<> begin_large_request();
    Task<> begin_small_request();
    Task<> try_small_request(const net::RequestHead& head);
    Task<> ask_watching_caller();
    Task<> ask_guest();
    bool is_whole_answer() const;
    Task<> follow_caller();
    Task<> await_drain();
    Task<> send_large_body();
    Task<> answer(net::ResponseHead head);
    Task<> answer_whole(net::ResponseHead head, std::uint64_t size);
    Task<> answer_streaming(net::ResponseHead head);
    Task<> refuse(int status);
    Task<> explain(Error error);

    template <class T>
    Result<T> from_guest(Result<T> result);
    Result<> from_caller(Result<> result);

    Lease& lease_;
    const AgentCall call_;
    const std::string request_id_;
    net::Exchange& exchange_;
    net::Body& body_;
    Timer& timer_;
    const RuntimeLimits& limits_;
    Signal& ending_;
    const SteadyTime deadline_;
    const net::Headers identity_;

    std::optional<std::string> small_body_;  // nullopt: streamed
    std::unique_ptr<net::ClientExchange> guest_;
    std::optional<net::ResponseHead> head_;  // the agent's, when it came soon
    Fault fault_ = Fault::none;
};

}  // namespace ac::runtime
