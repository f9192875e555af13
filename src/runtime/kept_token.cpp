#include "runtime/kept_token.h"

namespace ac::runtime {
namespace {

// Of a token's life, the part in which it is handed out: its first quarter.
constexpr int kLifeParts = 4;

}  // namespace

KeptToken::Whom KeptToken::whom(const Caller& caller) {
    Whom whom{.user_id = caller.user_id};
    if (!caller.user_token.empty()) whom.user_token = sha256(caller.user_token);
    return whom;
}

std::shared_ptr<const std::string> KeptToken::find(const Caller& caller, WallTime now) const {
    const Whom asking = whom(caller);
    const std::lock_guard lock(mutex_);
    // A clock that was set back makes the times meaningless.
    if (!text_ || now < made_at_ || now >= renew_at_ || !(asking == whom_)) return nullptr;
    return text_;
}

std::shared_ptr<const std::string> KeptToken::keep(const Caller& caller, WorkloadToken token,
                                                   WallTime now) {
    Whom asking = whom(caller);
    auto text = std::make_shared<const std::string>(std::move(token.text));
    const std::lock_guard lock(mutex_);
    whom_ = std::move(asking);
    made_at_ = now;
    renew_at_ = now + (token.expires_at - now) / kLifeParts;
    text_ = text;
    return text;
}

}  // namespace ac::runtime
