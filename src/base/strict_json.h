#pragma once
// Strict JSON: RFC 8259, UTF-8, one value, every member name once, bounded nesting. For input whose
// meaning must not depend on the reader: requests, tokens, key sets.

#include <boost/json/value.hpp>
#include <cstddef>
#include <string_view>

#include "base/result.h"

namespace ac {

// invalid_argument, whose message says what is wrong without quoting the text.
Result<boost::json::value> parse_strict_json(std::string_view text, std::size_t depth_max);

}  // namespace ac
