#include "server/key_box.h"

#include "base/log.h"
#include "crypto/seal.h"

namespace ac::server {
namespace {

constexpr Seconds kRewrapPause{1};

Error key_is_missing(const std::string& id) {
    return {.code = ErrorCode::unavailable,
            .message = "the vault's key " + id + " is not configured here"};
}

Task<std::int64_t> rewrap_all(access::AccessService& access, issuer::Issuer* issuer) {
    AC_CO_TRY(std::int64_t done, co_await access.rewrap());
    if (issuer == nullptr) co_return done;
    AC_CO_TRY(const std::int64_t more, co_await issuer->rewrap());
    co_return done + more;
}

}  // namespace

Result<std::string> KeyBox::seal(std::string_view place, std::string_view secret) const {
    const std::string id = keys_.current();
    const auto key = keys_.find(id);
    if (!key) return fail(key_is_missing(id));
    return seal_envelope({.id = id, .key = key->view()}, place, secret, random_);
}

Result<SecretBytes> KeyBox::open(std::string_view place, std::string_view sealed) const {
    AC_TRY(const std::string id, envelope_key_id(sealed));
    const auto key = keys_.find(id);
    if (!key) return fail(key_is_missing(id));
    return open_envelope(key->view(), place, sealed);
}

Result<std::optional<std::string>> KeyBox::rewrap(std::string_view place,
                                                  std::string_view sealed) const {
    AC_TRY(const std::string old_id, envelope_key_id(sealed));
    const std::string id = keys_.current();
    if (old_id == id) return std::nullopt;
    const auto old_key = keys_.find(old_id);
    const auto key = keys_.find(id);
    if (!old_key || !key) return fail(key_is_missing(old_key ? id : old_id));
    return rewrap_envelope(old_key->view(), {.id = id, .key = key->view()}, place, sealed, random_);
}

Detached keep_rewrapped(const identity::KeyRing& keys, Timer& timer, access::AccessService& access,
                        issuer::Issuer* issuer) {
    std::string last;
    while (true) {
        if (std::string current = keys.current(); current != last) {
            const auto done = co_await rewrap_all(access, issuer);
            if (done)
                last = std::move(current);
            else
                AC_LOG(warn, "keys are not rewrapped yet", {"reason", done.error().message});
        }
        const auto slept = co_await sleep_for(timer, kRewrapPause);
        if (!slept) co_return;
    }
}

}  // namespace ac::server
