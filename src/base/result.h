#pragma once
// Result<T> is a value or an Error. Expected failures travel in it; exceptions are for bugs.
//
//   AC_TRY(auto text, read_file(path));            // in a function that returns a Result
//   AC_CO_TRY(auto rows, co_await db.read(query)); // in a Task
//
// Both are two plain statements (g++ 12 cannot compile co_await inside a statement expression).

#include <expected>
#include <utility>

#include "base/error.h"

namespace ac {

template <class T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
    return std::unexpected(Error{.code = code, .message = std::move(message)});
}

[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
    return std::unexpected(std::move(error));
}

[[noreturn]] void assert_failed(const char* expression, const char* file, int line);

}  // namespace ac

#define AC_CONCAT_(a, b) a##b
#define AC_CONCAT(a, b) AC_CONCAT_(a, b)

#define AC_TRY_(tmp, lhs, expr)                               \
    auto tmp = (expr);                                        \
    if (!tmp) return std::unexpected(std::move(tmp).error()); \
    lhs = *std::move(tmp)
#define AC_TRY(lhs, expr) AC_TRY_(AC_CONCAT(ac_try_, __COUNTER__), lhs, expr)

#define AC_CO_TRY_(tmp, lhs, expr)                               \
    auto tmp = (expr);                                           \
    if (!tmp) co_return std::unexpected(std::move(tmp).error()); \
    lhs = *std::move(tmp)
#define AC_CO_TRY(lhs, expr) AC_CO_TRY_(AC_CONCAT(ac_try_, __COUNTER__), lhs, expr)

// For Result<void>.
#define AC_CHECK_(tmp, expr) \
    if (auto tmp = (expr); !tmp) return std::unexpected(std::move(tmp).error())
#define AC_CHECK(expr) AC_CHECK_(AC_CONCAT(ac_try_, __COUNTER__), expr)

#define AC_CO_CHECK_(tmp, expr) \
    auto tmp = (expr);          \
    if (!tmp) co_return std::unexpected(std::move(tmp).error())
#define AC_CO_CHECK(expr) AC_CO_CHECK_(AC_CONCAT(ac_try_, __COUNTER__), expr)

// We have a bug. Stays on in release.
#define AC_ASSERT(expression) \
    ((expression) ? void(0) : ::ac::assert_failed(#expression, __FILE__, __LINE__))
