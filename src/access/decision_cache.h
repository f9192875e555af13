#pragma once
// Remembers what was allowed, for as long as nothing that the decision rested on can have changed:
// who asks, what, on which resource, and the snapshot of all policies. A decision for which a
// policy looked at anything else of the request (its time, its address, its members) is not kept;
// nor is a denial, which is rare and explains itself.

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "access/directory.h"
#include "access/principal.h"

namespace ac::access {

// Thread-safe.
class DecisionCache final {
  public:
    // Whether it was allowed under this very snapshot.
    bool allows(const SnapshotPointer& snapshot, const Principal& principal,
                std::string_view action, std::string_view resource) const;
    void allowed(const SnapshotPointer& snapshot, const Principal& principal,
                 std::string_view action, std::string_view resource);

  private:
    mutable std::mutex mutex_;
    SnapshotPointer of_;  // all entries are; kept alive, so that no other has its address
    // By all of the principal that decisions look at, action and resource. Policies of sessions
    // stand in the key by their addresses, and here so that those stay theirs.
    std::unordered_map<std::string, std::vector<PolicyPointer>> entries_;
};

}  // namespace ac::access
