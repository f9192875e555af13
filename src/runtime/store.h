#pragma once
// The tables of the Runtime service. All SQL of the module is in store.cpp; every statement is
// scoped by account and region. Functions run inside a transaction of the caller's.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/catalog.h"
#include "runtime/types.h"
#include "storage/database.h"

namespace ac::runtime::store {

std::span<const storage::Migration> migrations();

using storage::Transaction;

Result<std::int64_t> count_runtimes(Transaction& tx, const Scope& scope);
Result<bool> name_taken(Transaction& tx, const Scope& scope, const std::string& name);
// The runtime with its first version and its DEFAULT endpoint.
Result<> insert_runtime(Transaction& tx, const Scope& scope, const RuntimeView& runtime);
Result<> insert_version(Transaction& tx, const Scope& scope, const RuntimeView& version);
// With a version: that one, with its own status; without: the newest, with the runtime's status.
Result<std::optional<RuntimeView>> find_runtime(Transaction& tx, const Scope& scope,
                                                const RuntimeId& id,
                                                std::optional<std::int64_t> version);
Result<> set_runtime_status(Transaction& tx, const Scope& scope, const RuntimeView& runtime);
Result<> set_latest(Transaction& tx, const Scope& scope, const RuntimeId& id, std::int64_t version);
Result<std::int64_t> count_versions(Transaction& tx, const Scope& scope, const RuntimeId& id);
Result<> set_version_status(Transaction& tx, const Scope& scope, const RuntimeView& version,
                            const std::optional<BuiltVersion>& built);
Result<std::optional<BuiltVersion>> find_built(Transaction& tx, const Scope& scope,
                                               const RuntimeId& id, std::int64_t version);
Result<> erase_version(Transaction& tx, const Scope& scope, const RuntimeId& id,
                       std::int64_t version);
Result<> erase_runtime(Transaction& tx, const Scope& scope, const RuntimeId& id);
// Newest versions of runtimes whose id comes after `after`, in order of id.
Result<std::vector<RuntimeView>> list_runtimes(Transaction& tx, const Scope& scope,
                                               const std::string& after, int items_max);
// Versions below `below`, newest first.
Result<std::vector<RuntimeView>> list_versions(Transaction& tx, const Scope& scope,
                                               const RuntimeId& id, std::int64_t below,
                                               int items_max);
Result<std::vector<PendingBuild>> list_unbuilt(Transaction& tx);
// Roots of the container images of all versions.
Result<std::vector<BuiltVersion>> list_built(Transaction& tx);
Result<std::vector<std::pair<Scope, RuntimeId>>> list_deleting(Transaction& tx);

Result<> insert_endpoint(Transaction& tx, const Scope& scope, const EndpointView& endpoint);
Result<std::optional<EndpointView>> find_endpoint(Transaction& tx, const Scope& scope,
                                                  const RuntimeId& id, const std::string& name);
Result<> save_endpoint(Transaction& tx, const Scope& scope, const EndpointView& endpoint);
Result<> erase_endpoint(Transaction& tx, const Scope& scope, const RuntimeId& id,
                        const std::string& name);
Result<std::int64_t> count_endpoints(Transaction& tx, const Scope& scope, const RuntimeId& id);
Result<bool> version_in_use(Transaction& tx, const Scope& scope, const RuntimeId& id,
                            std::int64_t version);
Result<std::vector<EndpointView>> list_endpoints(Transaction& tx, const Scope& scope,
                                                 const RuntimeId& id, const std::string& after,
                                                 int items_max);

Result<Tags> find_tags(Transaction& tx, const Scope& scope, const Resource& resource);
Result<> set_tag(Transaction& tx, const Scope& scope, const Resource& resource,
                 const std::string& key, const std::string& value);
Result<> erase_tag(Transaction& tx, const Scope& scope, const Resource& resource,
                   const std::string& key);

// What was answered to the same token; nullopt: nothing yet (or longer ago than `oldest`).
// invalid_argument: the parameters were others.
Result<std::optional<std::string>> find_answer(Transaction& tx, const Scope& scope,
                                               std::string_view operation, const Idempotency& once,
                                               WallTime oldest);
Result<> keep_answer(Transaction& tx, const Scope& scope, std::string_view operation,
                     const Idempotency& once, const std::string& answer, WallTime now);
Result<> forget_answers(Transaction& tx, WallTime oldest);

}  // namespace ac::runtime::store
