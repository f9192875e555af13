#pragma once
// The control plane of Runtime: what runtimes, versions, endpoints and tags there are. What it
// acknowledged is durable. A new version is built in the background; `Builds` is told of it.
//
// Errors everywhere: not_found, conflict (a name that exists, a state that forbids it),
// quota_exceeded, invalid_argument (a page token or client token that does not fit), unavailable.

#include <functional>
#include <memory>

#include "async/task.h"
#include "async/timer.h"
#include "base/random.h"
#include "runtime/limits.h"
#include "runtime/types.h"
#include "sandbox/policy.h"
#include "storage/database.h"

namespace ac::runtime {

// A version that waits to be built.
struct PendingBuild {
    Scope scope;
    RuntimeId id;
    std::int64_t version = 0;
    Spec spec;
};

// What a finished build leaves for sessions to run.
struct BuiltVersion {
    std::string code_folder;      // host path, mounted at /var/task
    std::string overlay_folder;   // packages that come before the code; empty: none
    std::string packages_folder;  // packages that come after it; empty: none
    std::string interpreter;      // host path of python or node
    std::vector<std::string> command;
    // Of a container image; the three folders above and the interpreter are empty then.
    std::string image_root;                      // host path of the guest's whole file system
    std::vector<std::string> image_environment;  // "NAME=value"
    std::string image_folder;                    // where the command starts
    sandbox::GuestUser image_user;
};

// What an endpoint leads to at this moment.
struct Resolved {
    std::int64_t version = 0;
    Spec spec;
    BuiltVersion built;
};

// Told of changes by the catalog, after they are durable. Called on the caller's loop; must not
// block.
class CatalogListener {
  public:
    virtual ~CatalogListener() = default;
    virtual void build_wanted(PendingBuild build) = 0;
    // Something that callers may have resolved has changed; with `end_sessions` what runs of it
    // must end. Empty endpoint: all of the runtime.
    virtual void changed(const Scope& scope, const Resource& resource, bool end_sessions) = 0;
    // The runtime is marked as deleting: end its sessions, then call Catalog::purge.
    virtual void delete_wanted(const Scope& scope, const RuntimeId& id) = 0;
};

class Catalog {
  public:
    virtual ~Catalog() = default;

    virtual Task<RuntimeView> create(Scope scope, NewRuntime input) = 0;
    virtual Task<RuntimeView> update(Scope scope, RuntimeUpdate input) = 0;
    // nullopt: the newest version.
    virtual Task<RuntimeView> get(Scope scope, RuntimeId id,
                                  std::optional<std::int64_t> version) = 0;
    virtual Task<Page<RuntimeView>> list(Scope scope, PageRequest page) = 0;
    virtual Task<Page<RuntimeView>> list_versions(Scope scope, RuntimeId id, PageRequest page) = 0;
    // With a version: that one only, which no endpoint may use.
    virtual Task<> remove(Scope scope, RuntimeId id, std::optional<std::int64_t> version,
                          Idempotency once) = 0;

    virtual Task<EndpointView> create_endpoint(Scope scope, NewEndpoint input) = 0;
    virtual Task<EndpointView> update_endpoint(Scope scope, EndpointUpdate input) = 0;
    virtual Task<EndpointView> get_endpoint(Scope scope, RuntimeId id, std::string name) = 0;
    virtual Task<Page<EndpointView>> list_endpoints(Scope scope, RuntimeId id,
                                                    PageRequest page) = 0;
    virtual Task<> remove_endpoint(Scope scope, RuntimeId id, std::string name,
                                   Idempotency once) = 0;

    virtual Task<Tags> tags(Scope scope, Resource resource) = 0;
    virtual Task<> add_tags(Scope scope, Resource resource, Tags tags) = 0;
    virtual Task<> remove_tags(Scope scope, Resource resource, std::vector<std::string> keys) = 0;

    // For the service itself.
    virtual Task<> migrate() = 0;
    virtual Task<std::vector<PendingBuild>> pending_builds() = 0;
    // Of all versions: what must not be removed.
    virtual Task<std::vector<BuiltVersion>> built_versions() = 0;
    virtual Task<std::vector<std::pair<Scope, RuntimeId>>> pending_deletes() = 0;
    virtual Task<> build_ended(PendingBuild build, Result<BuiltVersion> built) = 0;
    virtual Task<> purge(Scope scope, RuntimeId id) = 0;
    // conflict when nothing of it is ready yet.
    virtual Task<Resolved> resolve(Scope scope, RuntimeId id, std::string endpoint) = 0;
};

// Everything given outlives the catalog.
std::unique_ptr<Catalog> make_catalog(storage::Database& database, Random& random,
                                      const Clock& clock, const RuntimeLimits& limits,
                                      CatalogListener& listener);

}  // namespace ac::runtime
