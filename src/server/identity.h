#pragma once
// Identity as the daemon runs it: authorization servers through guarded outbound calls, users'
// tokens by their issuers' keys.

#include <memory>

#include "bearer/authorizer.h"
#include "identity/identity_service.h"
#include "net/outbound.h"
#include "runtime/workload_identities.h"
#include "server/config.h"

namespace ac::server {

// All outlive the identity.
struct IdentityParts {
    const Config& config;
    storage::Database& database;
    ThreadPool& pool;
    Timer& timer;
    Random& random;
    net::Outbound& outbound;
    bearer::Authorizer& authorizer;
    identity::KeyRing& keys;
};

class Identity final {
  public:
    static Result<std::unique_ptr<Identity>> open(IdentityParts parts);
    ~Identity();

    identity::IdentityService& service() { return *service_; }
    // For runtimes.
    runtime::WorkloadIdentities& workloads();

  private:
    class Calls;
    class Tokens;
    class Workloads;
    Identity();

    std::unique_ptr<Calls> calls_;
    std::unique_ptr<Tokens> tokens_;
    std::unique_ptr<identity::IdentityService> service_;
    std::unique_ptr<Workloads> workloads_;
};

}  // namespace ac::server
