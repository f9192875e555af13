#include "identity/vault.h"

#include <fmt/format.h>

#include "crypto/seal.h"

namespace ac::identity {
namespace {

void append(std::string& out, std::string_view part) {
    const auto size = static_cast<std::uint32_t>(part.size());
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xff);
    out += part;
}

// Each part with its length before it: no two places read the same.
std::string associated_data(const Place& place) {
    std::string out = "agentcored vault 1";
    append(out, place.scope.account);
    append(out, place.scope.region);
    append(out, kDefaultVault);
    append(out, place.kind);
    append(out, place.name);
    append(out, place.user);
    append(out, std::to_string(place.revision));
    return out;
}

}  // namespace

std::string Vault::seal(const Place& place, std::string_view plaintext,
                        std::string_view key_id) const {
    const auto key = keys_.find(key_id);
    AC_ASSERT(key != nullptr);
    return seal_envelope({key_id, key->view()}, associated_data(place), plaintext, random_);
}

Result<SecretBytes> Vault::open(const Place& place, std::string_view sealed) const {
    AC_TRY(const std::string key_id, envelope_key_id(sealed));
    const auto key = keys_.find(key_id);
    if (!key)
        return fail(ErrorCode::unavailable,
                    fmt::format("the vault's key {} is not configured here", key_id));
    return open_envelope(key->view(), associated_data(place), sealed);
}

Result<std::string> Vault::rewrap(const Place& place, std::string_view sealed,
                                  std::string_view key_id) const {
    AC_TRY(const std::string old_id, envelope_key_id(sealed));
    const auto old_key = keys_.find(old_id);
    const auto key = keys_.find(key_id);
    if (!old_key || !key) return fail(ErrorCode::unavailable, "a key of the vault is missing");
    return rewrap_envelope(old_key->view(), {key_id, key->view()}, associated_data(place), sealed,
                           random_);
}

std::string key_id_of(std::string_view sealed) {
    return envelope_key_id(sealed).value_or(std::string());
}

}  // namespace ac::identity
