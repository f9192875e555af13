#pragma once
// User namespaces that map one uid and the gid of the same number. A guest enters one of its own
// (its uid in there is not the host's); a mount through one (an "idmapped mount", mount_setattr(2))
// shows the files of one host user as the guest's.

#include <map>
#include <utility>

#include "base/file.h"
#include "base/result.h"

namespace ac::sandbox {

struct IdMap {
    unsigned inside = 0;   // as seen in there; for a mount: as stored on disk
    unsigned outside = 0;  // as seen on the host; for a mount: as the guest's host uid
    auto operator<=>(const IdMap&) const = default;
};

// Needs CAP_SETUID and CAP_SETGID here.
Result<UniqueFd> make_user_namespace(IdMap users, IdMap groups);

// Keeps those it made: making one costs a process.
class UserNamespaces final {
  public:
    // Borrowed; stays open until the next call that finds the cache full.
    Result<int> get(IdMap users, IdMap groups);

  private:
    std::map<std::pair<IdMap, IdMap>, UniqueFd> made_;
};

}  // namespace ac::sandbox
