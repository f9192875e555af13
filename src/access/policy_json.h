#pragma once
// JSON that a policy is written in: bounded in depth, no name twice in one object (which of two
// would count?). Errors say line and column.

#include <boost/json/value.hpp>
#include <string_view>

#include "base/result.h"

namespace ac::access {

inline constexpr std::size_t kPolicyDepthMax = 12;  // the language needs six

Result<boost::json::value> parse_policy_json(std::string_view text);

}  // namespace ac::access
