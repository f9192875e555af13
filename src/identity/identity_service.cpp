#include "identity/identity_service.h"

#include "base/log.h"
#include "identity/store.h"

namespace ac::identity {

using storage::Transaction;

namespace {

Milliseconds cache_life(const IdentityLimits& limits, bool owns_database) {
    return owns_database ? Milliseconds{0} : limits.cache_life;
}

}  // namespace

Result<std::unique_ptr<IdentityService>> IdentityService::open(Dependencies dependencies) {
    AC_TRY(auto audit, AuditLog::open(dependencies.audit_folder, dependencies.limits));
    return std::unique_ptr<IdentityService>(
        new IdentityService(std::move(dependencies), std::move(audit)));
}

IdentityService::IdentityService(Dependencies dependencies, std::unique_ptr<AuditLog> audit)
    : limits_(dependencies.limits),
      keys_(dependencies.keys),
      vault_(keys_, dependencies.random),
      audit_(std::move(audit)),
      owns_database_(dependencies.owns_database),
      since_(dependencies.timer.clock().wall()),
      context_{.database = dependencies.database,
               .pool = dependencies.pool,
               .timer = dependencies.timer,
               .random = dependencies.random,
               .limits = limits_,
               .keys = keys_,
               .vault = vault_,
               .audit = *audit_,
               .outside = dependencies.outside,
               .user_tokens = dependencies.user_tokens,
               .public_url = {}},
      workloads_(context_, cache_life(limits_, owns_database_)),
      providers_(context_, cache_life(limits_, owns_database_)),
      tokens_(context_),
      servers_(context_),
      grants_(context_, servers_, providers_),
      consents_(context_, servers_, providers_, workloads_, grants_),
      credentials_(context_, workloads_, providers_, tokens_, grants_, consents_) {}

std::span<const storage::Migration> IdentityService::migrations() {
    return store::migrations();
}

Task<> IdentityService::prepare() {
    AC_CO_CHECK(co_await tokens_.load());
    if (owns_database_) {
        AC_CO_CHECK(co_await grants_.clear_leases());
    }
    co_return Result<>{};
}

void IdentityService::start(Executor executor) {
    tasks_ = std::make_unique<TaskGroup>(executor);
    tasks_->spawn("identity upkeep", run_background());
}

Task<> IdentityService::stop() {
    tasks_->cancel();
    co_return co_await tasks_->join();
}

Task<VaultView> IdentityService::vault(Scope scope, std::string id) {
    if (id != kDefaultVault) co_return fail(ErrorCode::not_found, "Token vault not found: " + id);
    auto find = [scope, id](Transaction& tx) { return store::find_vault(tx, scope, id); };
    AC_CO_TRY(VaultView found, co_await context_.database.read(std::move(find)));
    if (found.modified_at == WallTime{}) found.modified_at = since_;
    co_return found;
}

Task<VaultView> IdentityService::set_vault_key(Caller caller, VaultView wanted) {
    if (wanted.id != kDefaultVault)
        co_return fail(ErrorCode::not_found, "Token vault not found: " + wanted.id);
    if (wanted.key_type == VaultKeyType::customer &&
        keys_.customer_key_id(wanted.kms_key_arn).empty())
        co_return fail(ErrorCode::invalid_argument,
                       "No key of that ARN is configured here (identity.customer_keys)");
    wanted.modified_at = context_.now();
    auto save = [scope = caller.scope, wanted](Transaction& tx) {
        return store::save_vault(tx, scope, wanted);
    };
    AC_CO_CHECK(co_await context_.database.write(std::move(save)));
    keys_changed_ = true;
    AuditEntry entry{.operation = "SetTokenVaultCMK"};
    AC_CO_CHECK(co_await audit_->append(caller, std::move(entry), wanted.modified_at));
    co_return wanted;
}

Task<std::string> IdentityService::rotate_key(Caller caller) {
    auto rotate = [this] { return keys_.rotate(); };
    AC_CO_TRY(std::string id, co_await context_.pool.run(rotate));
    keys_changed_ = true;
    AuditEntry entry{.operation = "RotateVaultKey"};
    AC_CO_CHECK(co_await audit_->append(caller, std::move(entry), context_.now()));
    AC_LOG(info, "the vault has a new key", {"key", id});
    co_return id;
}

Task<std::vector<std::string>> IdentityService::read_audit(AuditQuery query) {
    return audit_->read(std::move(query), context_.pool);
}

Task<> IdentityService::verify_audit() {
    return audit_->verify(context_.pool);
}

Task<std::int64_t> IdentityService::sweep() {
    auto work = [now = context_.now(),
                 batch = limits_.sweep_batch](Transaction& tx) -> Result<std::int64_t> {
        AC_TRY(const auto emptied, store::empty_expired_providers(tx, now, batch));
        AC_TRY(const auto gone, store::sweep(tx, now, batch));
        return emptied + gone;
    };
    return context_.database.write(std::move(work));
}

Task<std::int64_t> IdentityService::rewrap() {
    AC_CO_TRY(auto rows, co_await rewrap_rows(std::nullopt, keys_.current()));
    auto find = [](Transaction& tx) { return store::list_customer_vaults(tx); };
    AC_CO_TRY(const auto vaults, co_await context_.database.read(find));
    for (const auto& [scope, vault] : vaults) {
        const std::string id = keys_.customer_key_id(vault.kms_key_arn);
        if (id.empty()) continue;
        AC_CO_TRY(const auto more, co_await rewrap_rows(scope, id));
        rows += more;
    }
    if (rows > 0) providers_.forget_cached();
    co_return rows;
}

// The data keys are rewrapped, the records stay as they are; whoever reads meanwhile finds either.
Task<std::int64_t> IdentityService::rewrap_rows(std::optional<Scope> scope, std::string key_id) {
    auto list = [scope, key_id, batch = limits_.rewrap_batch](Transaction& tx) {
        return store::list_wrapped_otherwise(tx, scope, key_id, batch);
    };
    AC_CO_TRY(const auto rows, co_await context_.database.read(std::move(list)));
    std::int64_t done = 0;
    for (const auto& row : rows) {
        const Place place{.scope = row.scope,
                          .kind = row.kind,
                          .name = row.name,
                          .user = row.user,
                          .revision = row.revision};
        const auto sealed = vault_.rewrap(place, row.sealed, key_id);
        if (!sealed) {
            AC_LOG(error, "a record of the vault cannot be rewrapped", {"kind", row.kind},
                   {"reason", sealed.error().message});
            continue;
        }
        auto replace = [&row, &sealed](Transaction& tx) {
            return store::replace_wrapping(tx, row, *sealed);
        };
        AC_CO_CHECK(co_await context_.database.write(replace));
        ++done;
    }
    co_return done;
}

// Until the next sweep; a change of keys ends it.
Task<> IdentityService::pause() {
    for (Milliseconds slept{0}; slept < limits_.sweep_interval; slept += limits_.key_interval) {
        if (keys_changed_.exchange(false)) break;
        AC_CO_CHECK(co_await sleep_for(context_.timer, limits_.key_interval));
    }
    co_return Result<>{};
}

Detached IdentityService::run_background() {
    for (;;) {
        const auto swept = co_await sweep();
        const auto rewrapped = co_await rewrap();
        for (const auto* result : {&swept, &rewrapped})
            if (!*result)
                AC_LOG(warn, "identity upkeep waits", {"reason", result->error().message});
        const bool more = (swept && *swept > 0) || (rewrapped && *rewrapped > 0);
        if (more) continue;
        const auto paused = co_await pause();
        if (!paused) co_return;
    }
}

}  // namespace ac::identity
