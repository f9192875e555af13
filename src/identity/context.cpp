#include "identity/context.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "identity/store.h"

namespace ac::identity {

Result<std::string> wrapping_key(storage::Transaction& tx, const KeyRing& keys,
                                 const Scope& scope) {
    AC_TRY(const VaultView vault, store::find_vault(tx, scope, std::string(kDefaultVault)));
    if (vault.key_type == VaultKeyType::service) return keys.current();
    std::string id = keys.customer_key_id(vault.kms_key_arn);
    if (id.empty())
        return fail(ErrorCode::unavailable,
                    fmt::format("the vault's key {} is not configured here", vault.kms_key_arn));
    return id;
}

Result<std::string> start_of(const PageRequest& page) {
    if (page.token.empty()) return std::string();
    auto name = from_base64url(page.token);
    if (!name || name->empty() || !is_valid_utf8(*name))
        return fail(ErrorCode::invalid_argument, "nextToken is not valid");
    return *std::move(name);
}

std::string page_token(std::string_view last_name) {
    return to_base64url(last_name);
}

}  // namespace ac::identity
