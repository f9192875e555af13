#pragma once
// What programs write may be anything; stores and JSON take UTF-8 without NUL.

#include <string>
#include <string_view>

namespace ac {

// `bytes` with a question mark for each NUL and each byte that is not UTF-8.
std::string to_storable_text(std::string_view bytes);

}  // namespace ac
