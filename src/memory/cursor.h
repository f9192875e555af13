#pragma once
// Page tokens: where a listing goes on. Opaque to callers and bound to their listing; a token of
// another listing, or one that was altered, is invalid_argument.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ac::memory {

// A place in a listing ordered by time and arrival.
struct Cursor {
    std::int64_t time = INT64_MAX;
    std::int64_t arrival = INT64_MAX;
};

std::string text_token(std::string_view listing, std::string_view last);
Result<std::string> last_of_text_token(std::string_view listing, std::string_view token);

std::string cursor_token(std::string_view listing, Cursor last);
// An empty token is the beginning.
Result<Cursor> cursor_of_token(std::string_view listing, std::string_view token);

}  // namespace ac::memory
