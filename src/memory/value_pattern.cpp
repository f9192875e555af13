#define PCRE2_CODE_UNIT_WIDTH 8
#include "memory/value_pattern.h"

#include <pcre2.h>

#include <memory>

namespace ac::memory {

namespace {

constexpr std::uint32_t kMatchLimit = 100'000;  // steps; a few milliseconds

struct Deleter {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, Deleter>;

Owned<pcre2_code> compile(std::string_view pattern) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    const std::uint32_t options =
        PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF | PCRE2_DOLLAR_ENDONLY;
    return Owned<pcre2_code>(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()),
                                           pattern.size(), options, &error, &offset, nullptr));
}

}  // namespace

Result<> check_pattern(std::string_view pattern) {
    if (compile(pattern)) return {};
    return fail(ErrorCode::invalid_argument, "not a regular expression: " + std::string(pattern));
}

bool matches_pattern(std::string_view pattern, std::string_view value) {
    const auto code = compile(pattern);
    if (!code) return false;
    const Owned<pcre2_match_data> found(pcre2_match_data_create(1, nullptr));
    const Owned<pcre2_match_context> context(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(context.get(), kMatchLimit);
    return pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(value.data()), value.size(), 0, 0,
                       found.get(), context.get()) >= 0;
}

}  // namespace ac::memory
