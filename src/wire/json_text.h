#pragma once
// Strict JSON: RFC 8259, UTF-8, one value, every member name once, bounded nesting.

#include <boost/json/value.hpp>
#include <string_view>

#include "base/result.h"

namespace ac::wire {

// invalid_argument with reason CannotParse.
Result<boost::json::value> parse_json(std::string_view text);

}  // namespace ac::wire
