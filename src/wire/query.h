#pragma once
// The query part of a request target, decoded.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ac::wire {

struct QueryParameter {
    std::string name;
    std::string value;
};

// In order, repetitions kept. A '+' is a plus: AWS clients write a space as %20. invalid_argument
// with reason CannotParse.
Result<std::vector<QueryParameter>> parse_query(std::string_view query);

}  // namespace ac::wire
