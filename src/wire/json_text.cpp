#include "wire/json_text.h"

#include "base/strict_json.h"
#include "crypto/wipe.h"
#include "wire/limits.h"

namespace ac::wire {

Result<boost::json::value> parse_json(std::string_view text) {
    auto value = parse_strict_json(text, kJsonDepthMax);
    wipe_stack();  // the parser has left pieces of its input there, and input may be secret
    if (value) return value;
    return fail({.code = ErrorCode::invalid_argument,
                 .message = "The request body is not valid JSON: " + value.error().message,
                 .reason = "CannotParse"});
}

}  // namespace ac::wire
