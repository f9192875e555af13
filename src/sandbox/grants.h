#pragma once
// Tokens without which a sandbox cannot be weakened. `grep -r grants::` lists every use.

namespace ac::sandbox::grants {

// The guest may write to a folder of the host (the environment that an installer fills).
struct WritableMount {};

// The guest may write anywhere in a root file system of its own: over it, in memory; the folder of
// the host stays as it is.
struct WritableRoot {};

// The guest shares the host's network (a package installer that must reach an index).
struct HostNetwork {};

}  // namespace ac::sandbox::grants
