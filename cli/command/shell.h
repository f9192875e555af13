#pragma once
// Text for a POSIX shell.

#include <string>
#include <string_view>

namespace ac::cli {

// `text` as one word: 'it'\''s'. Plain words stay as they are.
std::string shell_quoted(std::string_view text);

// KEY=VALUE as `deploy --env` takes it.
bool is_variable_name(std::string_view name);

}  // namespace ac::cli
