#pragma once
// The official toolkit's one-dash options of several letters (-rf, -auc), as their long names.

#include <string>
#include <vector>

namespace ac::cli {

// In place; up to "--". "-env=A=B" becomes "--env=A=B".
void expand_long_names(std::vector<std::string>& arguments);

}  // namespace ac::cli
