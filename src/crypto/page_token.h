#pragma once
// Page tokens: opaque to callers, bound to the listing they came from. A token of another listing,
// or one that was altered, is invalid_argument.

#include <string>
#include <string_view>

#include "base/result.h"

namespace ac {

// `listing` names the call and what it lists; `last` is the key of the last item of the page.
std::string page_token(std::string_view listing, std::string_view last);
Result<std::string> last_of_page_token(std::string_view listing, std::string_view token);

}  // namespace ac
