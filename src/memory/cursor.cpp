#include "memory/cursor.h"

#include <fmt/format.h>

#include <charconv>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace ac::memory {

namespace {

constexpr std::size_t kCheckLength = 12;

// Guards against mix-ups, not against forgers: a token only ever continues its own caller's list.
std::string check_of(std::string_view listing, std::string_view last) {
    return sha256_hex(fmt::format("{}\n{}", listing, last)).substr(0, kCheckLength);
}

std::unexpected<Error> refuse() {
    Error error{.code = ErrorCode::invalid_argument,
                .message = "nextToken is not a token of this listing"};
    error.fields.push_back({"nextToken", "is not a token of this listing"});
    return fail(std::move(error));
}

}  // namespace

std::string text_token(std::string_view listing, std::string_view last) {
    return to_base64url(check_of(listing, last) + std::string(last));
}

Result<std::string> last_of_text_token(std::string_view listing, std::string_view token) {
    const auto text = from_base64url(token);
    if (!text || text->size() <= kCheckLength) return refuse();
    std::string last = text->substr(kCheckLength);
    if (check_of(listing, last) != text->substr(0, kCheckLength)) return refuse();
    return last;
}

std::string cursor_token(std::string_view listing, Cursor last) {
    return text_token(listing, fmt::format("{} {}", last.time, last.arrival));
}

Result<Cursor> cursor_of_token(std::string_view listing, std::string_view token) {
    if (token.empty()) return Cursor{};
    AC_TRY(const std::string text, last_of_text_token(listing, token));
    Cursor out;
    const char* end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, out.time);
    if (first.ec != std::errc() || first.ptr == end) return refuse();
    const auto second = std::from_chars(first.ptr + 1, end, out.arrival);
    if (second.ec != std::errc() || second.ptr != end) return refuse();
    return out;
}

}  // namespace ac::memory
