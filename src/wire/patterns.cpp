#define PCRE2_CODE_UNIT_WIDTH 8
#include "wire/patterns.h"

#include <pcre2.h>

#include <atomic>
#include <unordered_map>

#include "base/log.h"
#include "base/result.h"
#include "wire/limits.h"

namespace ac::wire {
namespace {

struct CodeDeleter {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct MatchDeleter {
    void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct ContextDeleter {
    void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

pcre2_code* compile(std::string_view pattern) {
    // Models are written for Java: $ is the very end, \uHHHH is a character, classes see code
    // points.
    const std::uint32_t options = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_UTF |
                                  PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_NO_UTF_CHECK;
    int error = 0;
    PCRE2_SIZE offset = 0;
    pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                     options, &error, &offset, nullptr);
    AC_ASSERT(code != nullptr);
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without JIT it is slower, not wrong
    return code;
}

}  // namespace

struct Patterns::State {
    struct Slot {
        std::atomic<pcre2_code*> code{nullptr};
    };
    // Keyed by address: table texts are static. Nodes do not move.
    std::unordered_map<const char*, Slot> slots;
    std::unique_ptr<pcre2_match_context, ContextDeleter> context;

    ~State() {
        for (auto& [text, slot] : slots) pcre2_code_free(slot.code.load());
    }
};

Patterns::Patterns() : state_(std::make_unique<State>()) {
    state_->context.reset(pcre2_match_context_create(nullptr));
    AC_ASSERT(state_->context != nullptr);
    pcre2_set_match_limit(state_->context.get(), kPatternMatchLimit);
}

Patterns::~Patterns() = default;

void Patterns::add(std::string_view pattern) {
    state_->slots.try_emplace(pattern.data());
}

bool Patterns::matches(std::string_view pattern, std::string_view value) const {
    const auto found = state_->slots.find(pattern.data());
    AC_ASSERT(found != state_->slots.end());
    auto& slot = found->second;
    pcre2_code* code = slot.code.load(std::memory_order_acquire);
    if (code == nullptr) {
        pcre2_code* fresh = compile(pattern);
        if (slot.code.compare_exchange_strong(code, fresh, std::memory_order_acq_rel)) {
            code = fresh;
        } else {
            pcre2_code_free(fresh);
        }
    }
    const std::unique_ptr<pcre2_match_data, MatchDeleter> data(pcre2_match_data_create(1, nullptr));
    AC_ASSERT(data != nullptr);
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(value.data());
    int outcome = pcre2_match(code, subject, value.size(), 0, PCRE2_NO_UTF_CHECK, data.get(),
                              state_->context.get());
    if (outcome == PCRE2_ERROR_JIT_STACKLIMIT)  // the interpreter keeps its state on the heap
        outcome = pcre2_match(code, subject, value.size(), 0, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                              data.get(), state_->context.get());
    if (outcome < 0 && outcome != PCRE2_ERROR_NOMATCH)
        AC_LOG(warn, "pattern gave up", {"pattern", pattern}, {"pcre2_error", outcome},
               {"value_bytes", value.size()});
    return outcome >= 0;
}

}  // namespace ac::wire
