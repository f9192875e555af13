#pragma once
// The issuer's SQL.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "issuer/types.h"
#include "storage/database.h"

namespace ac::issuer::store {

using storage::Transaction;

std::span<const storage::Migration> migrations();

struct StoredKey {
    std::string id;
    std::string algorithm;
    std::string sealed;  // PKCS#8
    WallTime created_at;
};
Result<std::vector<StoredKey>> keys(Transaction& tx, const std::string& pool);  // oldest first
Result<> insert_key(Transaction& tx, const std::string& pool, const StoredKey& key);
// Of every pool, with the pools' ids.
Result<std::vector<std::pair<std::string, StoredKey>>> all_keys(Transaction& tx);
// Other bytes for the same secret.
Result<> replace_key(Transaction& tx, const std::string& pool, const StoredKey& key);
Result<> erase_keys_before(Transaction& tx, const std::string& pool, WallTime before);

Result<std::int64_t> count_pools(Transaction& tx, const Scope& scope);
Result<> insert_pool(Transaction& tx, const Pool& pool);
Result<std::optional<Pool>> find_pool(Transaction& tx, const std::string& id);
Result<std::optional<Pool>> find_pool_of_domain(Transaction& tx, const std::string& domain);
Result<std::vector<Pool>> list_pools(Transaction& tx, const Scope& scope, const std::string& after,
                                     int items_max);
// conflict when another pool has it.
Result<> set_domain(Transaction& tx, const std::string& pool, const std::string& domain);
Result<> erase_pool(Transaction& tx, const std::string& id);

Result<> put_resource_server(Transaction& tx, const std::string& pool, const std::string& id,
                             const std::string& document);
Result<std::optional<std::string>> find_resource_server(Transaction& tx, const std::string& pool,
                                                        const std::string& id);

Result<std::int64_t> count_clients(Transaction& tx, const std::string& pool);
Result<> insert_client(Transaction& tx, const Client& client);
Result<std::optional<Client>> find_client(Transaction& tx, const std::string& pool,
                                          const std::string& id);
Result<std::optional<Client>> find_client_by_id(Transaction& tx, const std::string& id);
Result<std::vector<Client>> list_clients(Transaction& tx, const std::string& pool);
Result<std::vector<Client>> all_clients(Transaction& tx);
Result<> replace_client_secret(Transaction& tx, const Client& client);
Result<bool> erase_client(Transaction& tx, const std::string& pool, const std::string& id);

Result<std::int64_t> count_users(Transaction& tx, const std::string& pool);
Result<> insert_user(Transaction& tx, const User& user);
Result<std::optional<User>> find_user(Transaction& tx, const std::string& pool,
                                      const std::string& name);
Result<std::optional<User>> find_user_by_id(Transaction& tx, const std::string& pool,
                                            const std::string& id);
Result<std::vector<User>> list_users(Transaction& tx, const std::string& pool);
Result<> set_password(Transaction& tx, const User& user);
Result<bool> erase_user(Transaction& tx, const User& user);

// Codes and refresh tokens are kept as hashes and used once. take_*: nullopt, there is none; a
// grant whose family is empty: it had been used before, and the family has ended now.
Result<> insert_code(Transaction& tx, const std::string& hash, const Code& code);
Result<std::optional<Code>> take_code(Transaction& tx, const std::string& hash, WallTime now);
Result<> insert_refresh(Transaction& tx, const std::string& hash, const RefreshToken& token);
Result<std::optional<RefreshToken>> find_refresh(Transaction& tx, const std::string& hash);
Result<bool> use_refresh(Transaction& tx, const std::string& hash, WallTime now);
Result<bool> family_is_alive(Transaction& tx, const std::string& pool, const std::string& family);
Result<> end_family(Transaction& tx, const std::string& pool, const std::string& family);
Result<> erase_expired(Transaction& tx, WallTime now);

}  // namespace ac::issuer::store
