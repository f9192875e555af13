#include "models/retry.h"

#include <algorithm>
#include <array>

namespace ac::models {
namespace {

constexpr std::int64_t kFirstPauseMs = 200;
constexpr std::int64_t kPauseMsMax = 5000;

// Between half and the whole of it, so that callers who failed together do not return together.
Milliseconds jittered(std::int64_t ms, Random& random) {
    std::array<std::byte, 2> bytes{};
    random.fill(bytes);
    const auto part =
        std::to_integer<std::int64_t>(bytes[0]) << 8 | std::to_integer<std::int64_t>(bytes[1]);
    return Milliseconds{ms / 2 + ms * part / 2 / 65536};
}

}  // namespace

bool is_callers_fault(const Error& error) {
    return error.code == ErrorCode::invalid_argument || error.code == ErrorCode::cancelled ||
           error.code == ErrorCode::too_large || error.code == ErrorCode::not_implemented;
}

bool is_passing(const Error& error) {
    return error.code == ErrorCode::throttled || error.code == ErrorCode::unavailable ||
           error.code == ErrorCode::busy;
}

RetryStep RetryPlan::failed(const Error& error, int attempts_max) {
    if (is_callers_fault(error)) return {};
    ++attempts_;
    if (!is_passing(error) || attempts_ >= attempts_max) return next();
    const std::int64_t pause = std::min(kPauseMsMax, kFirstPauseMs << std::min(attempts_ - 1, 10));
    return {.kind = RetryStep::Kind::again, .pause = jittered(pause, random_)};
}

RetryStep RetryPlan::refused() {
    return next();
}

RetryStep RetryPlan::next() {
    attempts_ = 0;
    if (target_ + 1 >= targets_) return {};
    ++target_;
    return {.kind = RetryStep::Kind::next_target};
}

}  // namespace ac::models
