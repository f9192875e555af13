#pragma once
// Which action an operation is for policies, and which resources it is about: what AWS's service
// authorization reference says, derived from the operation's name and the members of its input.

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "wire/operation.h"

namespace ac::wire {

struct Asked {
    std::string action;                  // "bedrock-agentcore:InvokeAgentRuntime"
    std::vector<std::string> resources;  // ARNs; each must be allowed
};

// Several where one call needs several permissions (a role that is passed, a user who is named).
// What a call creates or lists has no name yet: its resource ends in "/*", which a policy for all
// of the kind matches, and one for "*".
std::vector<Asked> asked_by(const OperationSpec& operation, const boost::json::object& input,
                            const Scope& scope);
// "GET /x/runtimes/{agentRuntimeId}/logs" is agentcored:GetRuntimesLogs.
Asked asked_by_extension(std::string_view extension, const boost::json::object& input,
                         const Scope& scope);
// Foundation models belong to nobody, inference profiles ("us.anthropic...") to an account and
// need their model as well.
std::vector<std::string> model_resources(std::string_view model, const Scope& scope);

}  // namespace ac::wire
