#pragma once
// A started agent: its sandbox, the connections to it, what it writes. It belongs to a session, or
// waits for one in the warm pool; nothing in here says which.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "async/completion.h"
#include "net/http_client.h"
#include "runtime/session_log.h"
#include "sandbox/sandbox.h"

namespace ac::runtime {

// Opens connections to the agent's port in its sandbox. The connection by which the agent was found
// to listen is handed out first.
class GuestConnector final : public net::Connector {
  public:
    GuestConnector(sandbox::Monitor& monitor, std::uint16_t port)
        : monitor_(monitor), port_(port) {}
    Task<UniqueFd> connect(SteadyTime deadline) override;
    void keep(UniqueFd first);

  private:
    sandbox::Monitor& monitor_;
    const std::uint16_t port_;
    std::mutex mutex_;
    UniqueFd first_;
};

// The service's loop only.
struct GuestOutput {
    explicit GuestOutput(const RuntimeLimits& limits) : log(limits) {}

    SessionLog log;
    Completion<void> ended[2];  // stdout, stderr
};

// Listening inside the guest's network: by them it reaches the platform and its way out. Nobody
// accepts before it is known whose session calls.
struct DoorListeners {
    UniqueFd platform;
    UniqueFd egress;
};

struct Guest {
    std::shared_ptr<sandbox::Monitor> monitor;
    std::unique_ptr<GuestConnector> connector;
    std::unique_ptr<net::ClientPool> pool;   // keep-alive, for what can be sent again
    std::unique_ptr<net::ClientPool> fresh;  // a new connection each time, for large bodies
    std::vector<std::string> environment;    // of its agent, for further commands
    std::string folder;
    std::shared_ptr<GuestOutput> output;
};

}  // namespace ac::runtime
