#pragma once
// How a session leaves its sandbox: through a proxy on a listener inside its own network that the
// platform opened there. Narrow on purpose: whoever puts the daemon together satisfies it.

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "interpreter/types.h"

namespace ac::interpreter {

// On the guest's loopback; the agents of runtimes find theirs at the same port.
inline constexpr std::uint16_t kEgressPort = 7071;
inline constexpr std::string_view kEgressUrl = "http://127.0.0.1:7071";

class NetworkDoor {
  public:
    virtual ~NetworkDoor() = default;

    // Serves until destroyed, on the service's loop. What is under way then is cut off.
    class Open {
      public:
        virtual ~Open() = default;
    };
    // False: there is nothing that sessions of this mode may reach.
    virtual bool serves(NetworkMode mode) const = 0;
    // `listener` listens already. On the service's loop.
    virtual Result<std::unique_ptr<Open>> open(UniqueFd listener, NetworkMode mode) = 0;
};

}  // namespace ac::interpreter
