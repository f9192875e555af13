#pragma once
// A TCP socket inside a guest's network: a socket belongs to the network namespace it was made in,
// so the daemon can then bind, listen and connect it from outside.

#include "sandbox/linux/guest.h"

namespace ac::sandbox {

// Non-blocking. `own_network`: to come back to.
Result<UniqueFd> open_guest_socket(const Guest& guest, int own_network);

}  // namespace ac::sandbox
