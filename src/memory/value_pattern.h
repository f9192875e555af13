#pragma once
// Regular expressions that callers bring (validation of namespace keys). A value must match as a
// whole; one that makes a pattern work beyond its limit does not match.

#include <string_view>

#include "base/result.h"

namespace ac::memory {

// invalid_argument: not a regular expression.
Result<> check_pattern(std::string_view pattern);
bool matches_pattern(std::string_view pattern, std::string_view value);

}  // namespace ac::memory
