#pragma once
// The Identity service: workloads, credential providers, the vault, OAuth2 flows, and the work
// behind them (expiry, rewrapping after a change of key).

#include <atomic>
#include <memory>

#include "async/task_group.h"
#include "identity/credentials.h"

namespace ac::identity {

class IdentityService final {
  public:
    struct Dependencies {
        storage::Database& database;
        ThreadPool& pool;
        Timer& timer;
        Random& random;
        Outside& outside;
        UserTokens& user_tokens;
        KeyRing& keys;
        std::filesystem::path audit_folder;
        IdentityLimits limits = {};
        // No other process writes to the database: what was read stays true until we write.
        bool owns_database = true;
    };
    // The references outlive the service. unavailable: the audit log cannot be opened.
    static Result<std::unique_ptr<IdentityService>> open(Dependencies dependencies);

    static std::span<const storage::Migration> migrations();

    // After migrate(), before use.
    Task<> prepare();
    // Background work runs on `executor`'s loop until stop().
    void start(Executor executor);
    Task<> stop();

    // By which browsers reach this server; before start().
    void set_public_url(std::string url) { context_.public_url = std::move(url); }

    Workloads& workloads() { return workloads_; }
    Providers& providers() { return providers_; }
    Credentials& credentials() { return credentials_; }
    Consents& consents() { return consents_; }

    Task<VaultView> vault(Scope scope, std::string id);
    // invalid_argument: the key is not configured; its records are rewrapped in the background.
    Task<VaultView> set_vault_key(Caller caller, VaultView wanted);
    // A new key for every service-managed vault; the id. Old records stay readable and are
    // rewrapped in the background.
    Task<std::string> rotate_key(Caller caller);
    Task<std::vector<std::string>> read_audit(AuditQuery query);
    Task<> verify_audit();

    // One round of what the background does; the number of rows. For tests.
    Task<std::int64_t> sweep();
    Task<std::int64_t> rewrap();

  private:
    IdentityService(Dependencies dependencies, std::unique_ptr<AuditLog> audit);
    Task<std::int64_t> rewrap_rows(std::optional<Scope> scope, std::string key_id);
    Task<> pause();
    Detached run_background();

    const IdentityLimits limits_;
    KeyRing& keys_;
    Vault vault_;
    std::unique_ptr<AuditLog> audit_;
    const bool owns_database_;
    const WallTime since_;  // what a vault that was never changed says
    Context context_;
    Workloads workloads_;
    Providers providers_;
    WorkloadTokens tokens_;
    Servers servers_;
    Grants grants_;
    Consents consents_;
    Credentials credentials_;
    std::atomic<bool> keys_changed_ = false;  // records wait to be rewrapped
    std::unique_ptr<TaskGroup> tasks_;
};

}  // namespace ac::identity
