#include "crypto/page_token.h"

#include "base/encoding.h"
#include "crypto/hash.h"

namespace ac {
namespace {

constexpr std::size_t kCheckLength = 12;

// Guards against mix-ups, not against forgers: a token only ever continues its own caller's list.
std::string check_of(std::string_view listing, std::string_view last) {
    return sha256_hex(std::string(listing) + '\n' + std::string(last)).substr(0, kCheckLength);
}

}  // namespace

std::string page_token(std::string_view listing, std::string_view last) {
    return to_base64url(check_of(listing, last) + std::string(last));
}

Result<std::string> last_of_page_token(std::string_view listing, std::string_view token) {
    const auto text = from_base64url(token);
    if (text && text->size() > kCheckLength) {
        std::string last = text->substr(kCheckLength);
        if (check_of(listing, last) == text->substr(0, kCheckLength)) return last;
    }
    Error error{.code = ErrorCode::invalid_argument,
                .message = "nextToken is not a token of this listing"};
    error.fields.push_back({"nextToken", "is not a token of this listing"});
    return fail(std::move(error));
}

}  // namespace ac
