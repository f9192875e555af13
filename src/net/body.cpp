#include "net/body.h"

#include <algorithm>
#include <cstring>

#include "net/whole_body.h"

namespace ac::net {
namespace {

constexpr std::size_t kStepBytes = 64 * 1024;

std::unexpected<Error> over(std::size_t max_bytes) {
    return fail(ErrorCode::too_large, "the body is over " + std::to_string(max_bytes) + " bytes");
}

}  // namespace

Task<std::string> read_all(Body& body, std::size_t max_bytes) {
    const auto length = body.length();
    if (length && *length > max_bytes) co_return over(max_bytes);
    if (auto* kept = dynamic_cast<WholeBody*>(&body))
        if (auto whole = kept->take_whole()) co_return *std::move(whole);
    std::string text;
    while (true) {
        // One byte more than is allowed, so that too much is noticed.
        const std::size_t used = text.size();
        std::size_t step = std::min(kStepBytes, max_bytes - used + 1);
        if (length)
            step = static_cast<std::size_t>(std::min<std::uint64_t>(step, *length - used + 1));
        text.resize(used + step);
        const std::span<char> room(text.data() + used, step);
        AC_CO_TRY(const std::size_t count, co_await body.read_some(room));
        text.resize(used + count);
        if (count == 0) co_return text;
        if (text.size() > max_bytes) co_return over(max_bytes);
    }
}

Task<std::size_t> StringBody::read_some(std::span<char> out) {
    const std::size_t count = std::min(out.size(), text_.size() - offset_);
    std::memcpy(out.data(), text_.data() + offset_, count);
    offset_ += count;
    co_return count;
}

}  // namespace ac::net
