#pragma once
// The policies that AWS manages (arn:aws:iam::aws:policy/...), as far as they are known here by
// content. Any other of their ARNs may be attached too, and grants nothing.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ac::access {

struct ManagedPolicy {
    std::string_view path;  // "/", "/service-role/"
    std::string_view name;
    std::string_view document;
};

std::span<const ManagedPolicy> managed_policies();
bool is_managed_policy_arn(std::string_view arn);
// nullptr: its content is not known here.
const ManagedPolicy* find_managed_policy(std::string_view arn);
std::string managed_policy_arn(const ManagedPolicy& policy);

}  // namespace ac::access
