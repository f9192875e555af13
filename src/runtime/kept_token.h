#pragma once
// The workload access token that a session's invocations carry: one for as long as the same caller
// asks, made anew well before it ends, so that whatever an invocation starts has most of a token's
// life to use it.

#include <memory>
#include <mutex>
#include <string>

#include "crypto/hash.h"
#include "runtime/runtime_service.h"
#include "runtime/workload_identities.h"

namespace ac::runtime {

// Thread-safe.
class KeptToken final {
  public:
    // nullptr: none for this caller, or no longer.
    std::shared_ptr<const std::string> find(const Caller& caller, WallTime now) const;
    std::shared_ptr<const std::string> keep(const Caller& caller, WorkloadToken token,
                                            WallTime now);

  private:
    // Whom it says that the agent acts for.
    struct Whom {
        std::string user_id;
        Sha256 user_token{};  // its hash: the token itself is not kept
        bool operator==(const Whom&) const = default;
    };
    static Whom whom(const Caller& caller);

    mutable std::mutex mutex_;
    Whom whom_;
    WallTime made_at_{};
    WallTime renew_at_{};
    std::shared_ptr<const std::string> text_;
};

}  // namespace ac::runtime
