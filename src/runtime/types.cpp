#include "runtime/types.h"

#include <array>

#include "base/result.h"

namespace ac::runtime {
namespace {

constexpr std::array<std::string_view, 6> kStatusNames = {
    "CREATING", "CREATE_FAILED", "UPDATING", "UPDATE_FAILED", "READY", "DELETING"};

std::string arn_head(const Scope& scope) {
    return "arn:aws:bedrock-agentcore:" + scope.region + ":" + scope.account + ":";
}

}  // namespace

std::string_view to_string(Status status) {
    return kStatusNames.at(static_cast<std::size_t>(status));
}

Status status_from(std::string_view text) {
    for (std::size_t i = 0; i < kStatusNames.size(); ++i)
        if (kStatusNames[i] == text) return static_cast<Status>(i);
    AC_ASSERT(!"a status that we never store");
    return Status::create_failed;
}

std::string runtime_arn(const Scope& scope, const RuntimeId& id) {
    return arn_head(scope) + "runtime/" + id.text();
}

std::string endpoint_arn(const Scope& scope, const RuntimeId& id, std::string_view endpoint) {
    return runtime_arn(scope, id) + "/runtime-endpoint/" + std::string(endpoint);
}

std::string workload_identity_arn(const Scope& scope, const RuntimeId& id) {
    return arn_head(scope) + "workload-identity-directory/default/workload-identity/" + id.text();
}

}  // namespace ac::runtime
