#pragma once
// Shell-like patterns over model ids: '*' is any run of characters (also '/' and ':'), '?' is one.

#include <string_view>

namespace ac::models {

bool matches_glob(std::string_view pattern, std::string_view text);
bool is_glob(std::string_view pattern);

}  // namespace ac::models
