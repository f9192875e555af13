#pragma once
// The tables of the Identity service. All SQL of the module is in the three store files (workloads
// and the schema, providers, grants). Secrets come and go sealed. Functions run inside a
// transaction of the caller's.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "identity/types.h"
#include "storage/database.h"

namespace ac::identity::store {

using storage::Transaction;

std::span<const storage::Migration> migrations();

// Workloads.
Result<std::optional<Workload>> find_workload(Transaction& tx, const Scope& scope,
                                              const std::string& name);
Result<> save_workload(Transaction& tx, const Scope& scope, const Workload& workload);
Result<bool> erase_workload(Transaction& tx, const Scope& scope, const std::string& name);
Result<std::vector<Workload>> list_workloads(Transaction& tx, const Scope& scope,
                                             const std::string& after, int items_max);
Result<std::int64_t> count_workloads(Transaction& tx, const Scope& scope);

// Tags; `resource` is the ARN.
Result<Tags> find_tags(Transaction& tx, const std::string& resource);
Result<> add_tags(Transaction& tx, const std::string& resource, const Tags& tags);
Result<> erase_tags(Transaction& tx, const std::string& resource,
                    const std::vector<std::string>& keys);
Result<> erase_all_tags(Transaction& tx, const std::string& resource);

// Vaults: a row only once a key was set.
Result<VaultView> find_vault(Transaction& tx, const Scope& scope, const std::string& id);
Result<> save_vault(Transaction& tx, const Scope& scope, const VaultView& vault);

// Providers.
Result<std::optional<Provider>> find_provider(Transaction& tx, const Scope& scope,
                                              ProviderKind kind, const std::string& name);
struct PlacedProvider {
    Scope scope;
    Provider provider;
};
Result<std::optional<PlacedProvider>> find_provider_by_callback(Transaction& tx,
                                                                const std::string& callback);
Result<> save_provider(Transaction& tx, const Scope& scope, const Provider& provider);
Result<bool> erase_provider(Transaction& tx, const Scope& scope, ProviderKind kind,
                            const std::string& name);
Result<std::vector<Provider>> list_providers(Transaction& tx, const Scope& scope, ProviderKind kind,
                                             const std::string& after, int items_max);
Result<std::int64_t> count_providers(Transaction& tx, const Scope& scope);
// Overwrites the sealed value of up to `rows_max` credentials that have expired.
Result<std::int64_t> empty_expired_providers(Transaction& tx, WallTime now, int rows_max);

// Sealed bytes of every kind, found by their place (vault.h): a row whose revision is not the
// record's is a mistake that does not open.
struct SecretRow {
    Scope scope;
    std::string kind;
    std::string name;
    std::string user;
    std::int64_t revision = 0;
    std::string sealed;
};
Result<std::optional<SecretRow>> find_secret(Transaction& tx, const SecretRow& place);
Result<> save_secret(Transaction& tx, const SecretRow& row);
Result<> erase_secret(Transaction& tx, const SecretRow& place);
// What is wrapped with another key than `key_id`: of one scope, or of every scope whose vault has
// no customer's key.
Result<std::vector<SecretRow>> list_wrapped_otherwise(Transaction& tx,
                                                      const std::optional<Scope>& scope,
                                                      const std::string& key_id, int rows_max);
// Nothing happens when the row has changed meanwhile.
Result<> replace_wrapping(Transaction& tx, const SecretRow& row, const std::string& sealed);
Result<std::vector<std::pair<Scope, VaultView>>> list_customer_vaults(Transaction& tx);

// Grants: tokens of a workload at a provider, for a user or itself.
struct GrantKey {
    Scope scope;
    std::string workload;
    UserKey user;
    std::string provider;
    std::string slot;  // which flow, scopes, resources and audiences
};
// The name under which a grant's tokens are sealed.
std::string secret_name(const GrantKey& key);

struct GrantRow {
    GrantKey key;
    std::string scopes;  // separated by spaces, sorted
    std::string sealed;
    std::int64_t revision = 0;
    std::string lease;  // who refreshes it; empty: nobody
    WallTime lease_until;
    std::optional<WallTime> expires_at;  // when the row is of no use any more
    WallTime updated_at;
};
Result<std::optional<GrantRow>> find_grant(Transaction& tx, const GrantKey& key);
// Of every slot that starts with `slot_prefix`.
Result<std::vector<GrantRow>> list_grants(Transaction& tx, const GrantKey& key,
                                          const std::string& slot_prefix);
Result<> save_grant(Transaction& tx, const GrantRow& row);
// False: somebody else has it, or the row has another revision by now.
Result<bool> lease_grant(Transaction& tx, const GrantKey& key, std::int64_t revision,
                         const std::string& lease, WallTime now, WallTime until);
Result<> release_grant(Transaction& tx, const GrantKey& key, const std::string& lease);
Result<> erase_grant(Transaction& tx, const GrantKey& key, std::int64_t revision);
Result<> erase_grants_of_workload(Transaction& tx, const Scope& scope, const std::string& workload);
Result<> erase_grants_of_provider(Transaction& tx, const Scope& scope, const std::string& provider);
Result<> clear_leases(Transaction& tx);

// Consents: authorizations by a user under way.
enum class ConsentStatus { pending, exchanging, authorized, failed };
struct ConsentRow {
    std::string id;     // the tail of its session URI
    std::string state;  // a hash of the state parameter
    GrantKey grant;
    std::string document;  // what the flow needs besides, without secrets
    std::string sealed;    // PKCE verifier and the caller's state; then the tokens
    std::int64_t revision = 0;
    ConsentStatus status = ConsentStatus::pending;
    WallTime expires_at;
};
Result<std::optional<ConsentRow>> find_consent(Transaction& tx, const std::string& id);
Result<std::optional<ConsentRow>> find_consent_by_state(Transaction& tx, const std::string& state);
Result<> insert_consent(Transaction& tx, const ConsentRow& row);
// False: it is not `before` any more.
Result<bool> move_consent(Transaction& tx, const ConsentRow& row, ConsentStatus before);
Result<> erase_consent(Transaction& tx, const std::string& id);
Result<std::int64_t> count_consents(Transaction& tx, const Scope& scope);
// Deletes up to `rows_max` ended consents and grants.
Result<std::int64_t> sweep(Transaction& tx, WallTime now, int rows_max);

}  // namespace ac::identity::store
