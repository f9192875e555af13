#pragma once
// What each change of the catalog does to the tables, as functions of a transaction: no waiting,
// no clock, no randomness. catalog.cpp runs them and tells the listener.

#include <optional>
#include <string>

#include "runtime/catalog.h"
#include "runtime/limits.h"
#include "runtime/types.h"
#include "storage/database.h"

namespace ac::runtime::rules {

struct Context {
    Scope scope;
    WallTime now;
    RuntimeLimits limits;

    WallTime oldest_token() const { return now - limits.token_memory; }
};

template <class View>
struct Made {
    View view;
    bool fresh = true;  // false: this is the answer to a repeated call
};

using storage::Transaction;

Result<Made<RuntimeView>> create(Transaction& tx, const Context& context, const NewRuntime& input,
                                 const RuntimeId& id, const std::string& endpoint_id);
Result<Made<RuntimeView>> update(Transaction& tx, const Context& context,
                                 const RuntimeUpdate& input);
Result<RuntimeView> get(Transaction& tx, const Scope& scope, const RuntimeId& id,
                        std::optional<std::int64_t> version);

enum class Removal { runtime, version, repeated };
Result<Removal> remove(Transaction& tx, const Context& context, const RuntimeId& id,
                       std::optional<std::int64_t> version, const Idempotency& once);

// A version that has been deleted meanwhile is no error.
Result<> build_ended(Transaction& tx, const Context& context, const PendingBuild& build,
                     const Result<BuiltVersion>& built);
Result<Resolved> resolve(Transaction& tx, const Scope& scope, const RuntimeId& id,
                         const std::string& endpoint);

Result<Made<EndpointView>> create_endpoint(Transaction& tx, const Context& context,
                                           const NewEndpoint& input, const std::string& id);
Result<Made<EndpointView>> update_endpoint(Transaction& tx, const Context& context,
                                           const EndpointUpdate& input);
Result<EndpointView> get_endpoint(Transaction& tx, const Scope& scope, const RuntimeId& id,
                                  const std::string& name);
// True: removed now; false: a repeated call.
Result<bool> remove_endpoint(Transaction& tx, const Context& context, const RuntimeId& id,
                             const std::string& name, const Idempotency& once);

// not_found when there is no such runtime or endpoint.
Result<> must_exist(Transaction& tx, const Scope& scope, const Resource& resource);
Result<> add_tags(Transaction& tx, const Context& context, const Resource& resource,
                  const Tags& tags);

}  // namespace ac::runtime::rules
