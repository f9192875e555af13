#pragma once
// How a guest reaches the platform: through a listener inside its own network that the platform
// opened there. Who connects is that guest, so that no credential is needed in the sandbox.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "runtime/runtime_service.h"

namespace ac::runtime {

// On loopback, where the guest sees it. Not one of the ports of AWS's contracts for agents (8080,
// 8000, 9000).
inline constexpr std::uint16_t kPlatformPort = 7070;

// Where an agent finds its way out (an HTTP proxy), if its network mode has one.
inline constexpr std::uint16_t kEgressPort = 7071;

// AWS's SDKs send nothing without a key, so a guest has one that says nothing: it is the same in
// every guest, is no secret and means something to the guest's own listener only.
inline constexpr std::string_view kGuestKeyId = "AKIAGUESTOFAGENTCORE";
inline constexpr std::string_view kGuestSecret = "the-listener-says-who-calls";

// Whom a guest's calls count as.
struct GuestIdentity {
    SessionAddress address;
    std::string role_arn;  // the runtime's execution role; empty: none was given
    NetworkMode network = NetworkMode::internet;
};

class PlatformDoor {
  public:
    virtual ~PlatformDoor() = default;

    // Serves until destroyed. Destroying does not wait for calls under way; they are cut off.
    class Open {
      public:
        virtual ~Open() = default;
    };
    // False: guests of this mode have no use for a listener.
    virtual bool serves(NetworkMode) const { return true; }
    // `listener` listens already. On the service's loop.
    virtual Result<std::unique_ptr<Open>> open(UniqueFd listener, GuestIdentity guest) = 0;
};

}  // namespace ac::runtime
