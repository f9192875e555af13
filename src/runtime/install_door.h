#pragma once
// How installers of packages reach their indexes: an HTTP proxy behind a listener inside the box
// that they run in. They run strangers' scripts, which get no other network.

#include <memory>

#include "base/file.h"
#include "runtime/platform_door.h"

namespace ac::runtime {

class InstallDoor {
  public:
    virtual ~InstallDoor() = default;
    // `listener` listens already. Serves until what is returned is destroyed. On the service's
    // loop.
    virtual Result<std::unique_ptr<PlatformDoor::Open>> open(UniqueFd listener) = 0;
};

}  // namespace ac::runtime
