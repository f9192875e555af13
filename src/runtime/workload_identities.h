#pragma once
// The port by which agents have an identity of their own: made before a runtime is ready, gone with
// it, and shown by a token that each invocation brings along. identity/ satisfies it.

#include <string>

#include "async/task.h"
#include "runtime/runtime_service.h"

namespace ac::runtime {

struct WorkloadToken {
    std::string text;
    WallTime expires_at{};
};

// Thread-safe.
class WorkloadIdentities {
  public:
    virtual ~WorkloadIdentities() = default;
    // There already is fine.
    virtual Task<> ensure(Scope scope, RuntimeId runtime) = 0;
    // Absent is fine.
    virtual Task<> forget(Scope scope, RuntimeId runtime) = 0;
    // For invocations: says which runtime it is and whom the caller acts for.
    virtual WorkloadToken token(const Scope& scope, const RuntimeId& runtime,
                                const Caller& caller) = 0;
};

}  // namespace ac::runtime
