// Keys: who calls with them, and their life.

#include <fmt/format.h>

#include <algorithm>

#include "access/access_service.h"
#include "access/limits.h"
#include "access/rules.h"
#include "base/encoding.h"
#include "base/log.h"

namespace ac::access {
namespace {

using storage::Transaction;

std::unexpected<Error> bad_key() {
    return fail(Error{.code = ErrorCode::unauthenticated,
                      .message = "The security token included in the request is invalid.",
                      .reason = "UnrecognizedClientException"});
}

Result<store::KeyRow> key_in(Transaction& tx, const std::string& account, const std::string& user,
                             const std::string& id) {
    AC_TRY(const auto keys, store::keys_of(tx, account, to_lower(user)));
    for (const store::KeyRow& key : keys)
        if (key.id == id) return key;
    return fail(iam_error(ErrorCode::not_found, "NoSuchEntity",
                          fmt::format("The Access Key with id {} cannot be found.", id)));
}

KeyView view_of(const StoredKey& key, const Snapshot& snapshot) {
    const Entity* user = snapshot.find(key.account, EntityKind::user, key.user);
    return {.id = key.id,
            .user = user != nullptr ? user->name : key.user,
            .active = key.active,
            .created_at = key.created_at};
}

}  // namespace

Principal root_principal(const std::string& account) {
    const std::string arn = fmt::format("arn:aws:iam::{}:root", account);
    return {.account = account,
            .arn = arn,
            .kind = Principal::Kind::root,
            .identity_arn = arn,
            .user_id = account};
}

Result<AccessKey> AccessService::find(std::string_view access_key_id,
                                      std::string_view session_token, WallTime now) const {
    if (!session_token.empty()) {
        AC_TRY(const auto opened, tokens_->open(std::string(session_token)));
        if (opened->key_id != access_key_id) return bad_key();
        if (now >= opened->principal.session->expires_at)
            return fail(Error{.code = ErrorCode::unauthenticated,
                              .message = "The security token included in the request is expired",
                              .reason = "ExpiredTokenException"});
        return AccessKey{.id = opened->key_id,
                         .secret = opened->secret,
                         .principal = opened->principal,
                         .session_token = opened->token};
    }
    if (access_key_id == parts_.root_key.id)
        return AccessKey{
            .id = parts_.root_key.id, .secret = parts_.root_key.secret, .principal = root_};
    const SnapshotPointer snapshot = directory_.now();
    const auto found = snapshot->keys.find(std::string(access_key_id));
    if (found == snapshot->keys.end()) return bad_key();
    const StoredKey& key = *found->second;
    if (!key.active || !key.secret) return bad_key();
    Principal principal = principal_of(key, *snapshot);
    if (principal.kind == Principal::Kind::unknown) return bad_key();
    return AccessKey{.id = key.id, .secret = key.secret, .principal = std::move(principal)};
}

Principal AccessService::principal_of(const StoredKey& key, const Snapshot& snapshot) const {
    if (key.user.empty()) return root_principal(key.account);
    const Entity* user = snapshot.find(key.account, EntityKind::user, key.user);
    if (user == nullptr) return {};
    return {.account = key.account,
            .arn = user->arn(),
            .kind = Principal::Kind::user,
            .name = user->name,
            .identity_arn = user->arn(),
            .user_id = user->id};
}

void AccessService::note_use(const AccessKey& key, std::string_view service,
                             std::string_view region, WallTime now) const {
    if (!key.session_token.empty() || key.id == parts_.root_key.id) return;
    const SnapshotPointer snapshot = directory_.now();
    const auto found = snapshot->keys.find(key.id);
    if (found == snapshot->keys.end()) return;
    const std::int64_t now_ms = to_epoch_ms(now);
    std::int64_t noted = found->second->noted_ms.load(std::memory_order_relaxed);
    if (now_ms - noted < Milliseconds(kNoteUseEvery).count()) return;
    if (!found->second->noted_ms.compare_exchange_strong(noted, now_ms)) return;
    const std::lock_guard lock(uses_mutex_);
    uses_[key.id] = {.at = now, .service = std::string(service), .region = std::string(region)};
}

Task<NewKey> AccessService::create_key(std::string account, std::string user) {
    const KeyPair pair = make_key_pair(parts_.random, "AKIA");
    AC_CO_TRY(std::string sealed, parts_.box.seal(place_of(pair.id), pair.secret->view()));
    const store::KeyRow row{.id = pair.id,
                            .account = account,
                            .user = to_lower(user),
                            .status = "Active",
                            .sealed_secret = std::move(sealed),
                            .created_at = parts_.clock.wall()};
    Changed changed = [row, user](Transaction& tx, std::int64_t version) -> Result<> {
        if (!user.empty()) {
            AC_TRY(const auto found, store::find_entity(tx, row.account, EntityKind::user, user));
            if (!found) return fail(no_such_entity(EntityKind::user, user));
        }
        AC_TRY(const auto keys, store::keys_of(tx, row.account, row.user));
        if (keys.size() >= kKeysOfUserMax)
            return fail(iam_error(
                ErrorCode::quota_exceeded, "LimitExceeded",
                fmt::format("Cannot exceed quota for AccessKeysPerUser: {}", kKeysOfUserMax)));
        return store::save_key(tx, row, version);
    };
    AC_CO_CHECK(co_await write(std::move(changed)));
    NewKey out{.view = {.id = pair.id, .user = user, .created_at = row.created_at},
               .secret = pair.secret};
    co_return out;
}

Task<> AccessService::set_key_active(std::string account, std::string user, std::string id,
                                     bool active) {
    Changed changed = [=](Transaction& tx, std::int64_t version) -> Result<> {
        AC_TRY(store::KeyRow key, key_in(tx, account, user, id));
        key.status = active ? "Active" : "Inactive";
        return store::save_key(tx, key, version);
    };
    co_return co_await write(std::move(changed));
}

Task<> AccessService::delete_key(std::string account, std::string user, std::string id) {
    Changed changed = [=](Transaction& tx, std::int64_t version) -> Result<> {
        AC_TRY(store::KeyRow key, key_in(tx, account, user, id));
        key.status.clear();
        key.sealed_secret.clear();
        return store::save_key(tx, key, version);
    };
    co_return co_await write(std::move(changed));
}

std::vector<KeyView> AccessService::keys_of(std::string_view account, std::string_view user) const {
    const SnapshotPointer snapshot = directory_.now();
    std::vector<KeyView> out;
    const std::string folded = to_lower(user);
    for (const auto& [id, key] : snapshot->keys)
        if (key->account == account && key->user == folded) out.push_back(view_of(*key, *snapshot));
    std::ranges::sort(
        out, {}, [](const KeyView& key) { return std::pair(to_epoch_ms(key.created_at), key.id); });
    return out;
}

std::optional<KeyView> AccessService::find_key(std::string_view account,
                                               const std::string& id) const {
    const SnapshotPointer snapshot = directory_.now();
    const auto found = snapshot->keys.find(id);
    if (found == snapshot->keys.end() || found->second->account != account) return std::nullopt;
    return view_of(*found->second, *snapshot);
}

Task<std::optional<store::LastUse>> AccessService::last_use(std::string key) {
    {
        const std::lock_guard lock(uses_mutex_);
        if (const auto found = uses_.find(key); found != uses_.end()) co_return found->second;
    }
    auto read = [key](Transaction& tx) { return store::find_last_use(tx, key); };
    co_return co_await parts_.database.read(read);
}

Task<std::int64_t> AccessService::rewrap() {
    auto list = [](Transaction& tx) { return store::all_keys(tx); };
    AC_CO_TRY(const auto keys, co_await parts_.database.read(list));
    std::int64_t done = 0;
    for (const store::KeyRow& key : keys) {
        const auto sealed = parts_.box.rewrap(place_of(key.id), key.sealed_secret);
        if (!sealed) {  // the others can be
            AC_LOG(error, "an access key cannot be rewrapped", {"key", key.id},
                   {"reason", sealed.error().message});
            continue;
        }
        if (!*sealed) continue;
        auto replace = [&key, &sealed](Transaction& tx) {
            return store::replace_secret(tx, key, **sealed);
        };
        AC_CO_CHECK(co_await parts_.database.write(replace));
        ++done;
    }
    auto find = [](Transaction& tx) { return store::setting(tx, std::string(kTokenKey)); };
    AC_CO_TRY(const std::string token_key, co_await parts_.database.read(find));
    AC_CO_TRY(const auto sealed, parts_.box.rewrap(kTokenKey, token_key));
    if (!sealed) co_return done;
    auto replace = [&sealed](Transaction& tx) {
        return store::replace_setting(tx, std::string(kTokenKey), *sealed);
    };
    AC_CO_CHECK(co_await parts_.database.write(replace));
    co_return done + 1;
}

}  // namespace ac::access
