#pragma once
// Workload identities: names that agents act under, and the return URLs that a user's browser may
// be sent back to on their behalf.

#include "identity/context.h"
#include "identity/sealed_cache.h"

namespace ac::identity {

class Workloads final {
  public:
    Workloads(Context& context, Milliseconds cache_life);

    // conflict: there is one of that name.
    Task<Workload> create(Caller caller, Workload wanted, Tags tags);
    Task<Workload> get(Scope scope, std::string name);
    Task<Workload> update(Caller caller, std::string name, std::vector<std::string> return_urls);
    Task<> remove(Caller caller, std::string name);
    Task<Page<Workload>> list(Scope scope, PageRequest page);

    // The identity of something of the platform's own (a runtime): made unless it is there.
    Task<> ensure(Scope scope, std::string name);
    // Removed with what it was granted; absent is fine.
    Task<> forget(Scope scope, std::string name);

    // From memory where it was asked for before. not_found.
    Task<std::shared_ptr<const Workload>> find(const Scope& scope, const std::string& name);

  private:
    Context& context_;
    SealedCache<Workload> cache_;
};

}  // namespace ac::identity
