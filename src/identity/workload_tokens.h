#pragma once
// Workload access tokens: opaque to everybody but this service, which finds in one the workload and
// the user that it acts for. Sealed with a key of their own, another one every hour; any node that
// shares the database reads them.
//
// Thread-safe after load().

#include <map>
#include <mutex>

#include "identity/context.h"

namespace ac::identity {

class WorkloadTokens final {
  public:
    explicit WorkloadTokens(Context& context) : context_(context) {}

    // The key, from the database; made by the first node. Once, before use.
    Task<> load();

    std::string mint(const WorkloadClaims& claims);
    // unauthenticated: not ours, changed, or over.
    Result<WorkloadClaims> verify(std::string_view token);

  private:
    std::shared_ptr<const SecretBytes> key_of(std::uint32_t hour);

    Context& context_;
    SecretBytes master_;
    std::mutex mutex_;
    std::map<std::uint32_t, std::shared_ptr<const SecretBytes>> keys_;
};

}  // namespace ac::identity
