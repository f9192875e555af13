#pragma once
// From what the user wrote to what CreateMemory takes.

#include <boost/json/array.hpp>
#include <string>
#include <string_view>

#include "cli/failure.h"

namespace ac::cli {

// "semantic,summary,user_preference,episodic", or a JSON array of the API's strategies as the
// official toolkit takes it. usage: neither.
Expected<boost::json::array> parse_strategies(std::string_view text);

}  // namespace ac::cli
