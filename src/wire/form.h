#pragma once
// application/x-www-form-urlencoded, as OAuth uses it: every parameter at most once (RFC 6749 3.1
// and 3.2), valid UTF-8.

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ac::wire {

// invalid_argument with reason "invalid_request". Parameters without a value count as absent.
Result<std::map<std::string, std::string, std::less<>>> parse_form(std::string_view text);

}  // namespace ac::wire
