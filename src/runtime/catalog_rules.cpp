#include "runtime/catalog_rules.h"

#include "base/storable_text.h"
#include "runtime/store.h"

namespace ac::runtime::rules {
namespace {

std::unexpected<Error> no_such_runtime(const RuntimeId& id) {
    return fail(ErrorCode::not_found, "agent runtime " + id.text() + " does not exist");
}

std::unexpected<Error> no_such_version(const RuntimeId& id, std::int64_t version) {
    return fail(ErrorCode::not_found,
                "agent runtime " + id.text() + " has no version " + std::to_string(version));
}

std::unexpected<Error> no_such_endpoint(const RuntimeId& id, const std::string& name) {
    return fail(ErrorCode::not_found, "agent runtime " + id.text() + " has no endpoint " + name);
}

std::unexpected<Error> over_quota(std::string_view what, std::int64_t max) {
    return fail(ErrorCode::quota_exceeded,
                "the limit of " + std::to_string(max) + " " + std::string(what) + " is reached");
}

bool in_transition(Status status) {
    return status == Status::creating || status == Status::updating || status == Status::deleting;
}

Result<> check_tag_count(const Context& context, std::size_t count) {
    if (static_cast<std::int64_t>(count) > context.limits.tags_max)
        return over_quota("tags of a resource", context.limits.tags_max);
    return {};
}

// The first endpoint, which follows the newest version.
EndpointView default_endpoint(const RuntimeView& runtime, const std::string& id) {
    return {.runtime = runtime.id,
            .name = std::string(kDefaultEndpoint),
            .id = id,
            .target_version = runtime.version,
            .status = Status::creating,
            .created_at = runtime.created_at,
            .updated_at = runtime.updated_at};
}

Result<> point_default_at(Transaction& tx, const Context& context, const RuntimeId& id,
                          std::int64_t version) {
    AC_TRY(auto endpoint,
           store::find_endpoint(tx, context.scope, id, std::string(kDefaultEndpoint)));
    if (!endpoint) return {};
    endpoint->target_version = version;
    endpoint->status = endpoint->live_version ? Status::updating : Status::creating;
    endpoint->failure_reason.clear();
    endpoint->updated_at = context.now;
    return store::save_endpoint(tx, context.scope, *endpoint);
}

Result<> settle_default(Transaction& tx, const Context& context, const PendingBuild& build,
                        const Result<BuiltVersion>& built) {
    AC_TRY(auto endpoint,
           store::find_endpoint(tx, context.scope, build.id, std::string(kDefaultEndpoint)));
    if (!endpoint || endpoint->target_version != build.version) return {};
    if (built) {
        endpoint->live_version = build.version;
        endpoint->status = Status::ready;
    } else {
        endpoint->status = endpoint->live_version ? Status::update_failed : Status::create_failed;
        endpoint->failure_reason = to_storable_text(built.error().message);
    }
    endpoint->updated_at = context.now;
    return store::save_endpoint(tx, context.scope, *endpoint);
}

// The version an endpoint is to lead to; it must be ready.
Result<std::int64_t> usable_version(Transaction& tx, const Context& context, const RuntimeId& id,
                                    std::optional<std::int64_t> asked) {
    AC_TRY(const auto runtime, store::find_runtime(tx, context.scope, id, std::nullopt));
    if (!runtime || runtime->status == Status::deleting) return no_such_runtime(id);
    const std::int64_t number = asked.value_or(runtime->version);
    AC_TRY(const auto version, store::find_runtime(tx, context.scope, id, number));
    if (!version) return no_such_version(id, number);
    if (version->status != Status::ready) {
        return fail(ErrorCode::conflict,
                    "version " + std::to_string(number) + " of agent runtime " + id.text() +
                        " is " + std::string(to_string(version->status)) + ", not READY");
    }
    return number;
}

}  // namespace

Result<Made<RuntimeView>> create(Transaction& tx, const Context& context, const NewRuntime& input,
                                 const RuntimeId& id, const std::string& endpoint_id) {
    const Scope& scope = context.scope;
    AC_TRY(const auto answer,
           store::find_answer(tx, scope, "CreateAgentRuntime", input.once, context.oldest_token()));
    if (answer) {
        AC_TRY(auto before, store::find_runtime(tx, scope, RuntimeId(*answer), 1));
        if (before) return Made<RuntimeView>{std::move(*before), false};
    }
    AC_TRY(const bool taken, store::name_taken(tx, scope, input.name));
    if (taken)
        return fail(ErrorCode::conflict,
                    "an agent runtime named " + input.name + " already exists");
    AC_TRY(const auto count, store::count_runtimes(tx, scope));
    if (count >= context.limits.runtimes_max)
        return over_quota("agent runtimes of an account", context.limits.runtimes_max);
    AC_CHECK(check_tag_count(context, input.tags.size()));

    RuntimeView view{.id = id,
                     .name = input.name,
                     .version = 1,
                     .status = Status::creating,
                     .description = input.description,
                     .document = input.document,
                     .spec = input.spec,
                     .created_at = context.now,
                     .updated_at = context.now};
    AC_CHECK(store::insert_runtime(tx, scope, view));
    AC_CHECK(store::insert_endpoint(tx, scope, default_endpoint(view, endpoint_id)));
    for (const auto& [key, value] : input.tags)
        AC_CHECK(store::set_tag(tx, scope, {.runtime = id}, key, value));
    AC_CHECK(
        store::keep_answer(tx, scope, "CreateAgentRuntime", input.once, id.text(), context.now));
    return Made<RuntimeView>{std::move(view)};
}

Result<Made<RuntimeView>> update(Transaction& tx, const Context& context,
                                 const RuntimeUpdate& input) {
    const Scope& scope = context.scope;
    AC_TRY(const auto answer,
           store::find_answer(tx, scope, "UpdateAgentRuntime", input.once, context.oldest_token()));
    if (answer) {
        AC_TRY(auto before, store::find_runtime(tx, scope, input.id, std::stoll(*answer)));
        if (before) return Made<RuntimeView>{std::move(*before), false};
    }
    AC_TRY(auto view, store::find_runtime(tx, scope, input.id, std::nullopt));
    if (!view) return no_such_runtime(input.id);
    if (in_transition(view->status)) {
        return fail(ErrorCode::conflict, "agent runtime " + input.id.text() + " is " +
                                             std::string(to_string(view->status)) +
                                             " and cannot be updated now");
    }
    AC_TRY(const auto count, store::count_versions(tx, scope, input.id));
    if (count >= context.limits.versions_max)
        return over_quota("versions of an agent runtime", context.limits.versions_max);

    view->version += 1;
    view->description = input.description;
    view->document = input.document;
    view->spec = input.spec;
    view->updated_at = context.now;
    view->failure_reason.clear();
    view->status = Status::creating;  // the version's own; the runtime's is set below
    AC_CHECK(store::insert_version(tx, scope, *view));
    AC_CHECK(store::set_latest(tx, scope, input.id, view->version));
    view->status = Status::updating;
    AC_CHECK(store::set_runtime_status(tx, scope, *view));
    AC_CHECK(point_default_at(tx, context, input.id, view->version));
    AC_CHECK(store::keep_answer(tx, scope, "UpdateAgentRuntime", input.once,
                                std::to_string(view->version), context.now));
    return Made<RuntimeView>{std::move(*view)};
}

Result<RuntimeView> get(Transaction& tx, const Scope& scope, const RuntimeId& id,
                        std::optional<std::int64_t> version) {
    AC_TRY(auto view, store::find_runtime(tx, scope, id, version));
    if (view) return std::move(*view);
    if (!version) return no_such_runtime(id);
    AC_TRY(const auto runtime, store::find_runtime(tx, scope, id, std::nullopt));
    if (!runtime) return no_such_runtime(id);
    return no_such_version(id, *version);
}

Result<Removal> remove(Transaction& tx, const Context& context, const RuntimeId& id,
                       std::optional<std::int64_t> version, const Idempotency& once) {
    const Scope& scope = context.scope;
    AC_TRY(const auto answer,
           store::find_answer(tx, scope, "DeleteAgentRuntime", once, context.oldest_token()));
    if (answer) return Removal::repeated;
    AC_TRY(RuntimeView view, get(tx, scope, id, std::nullopt));
    AC_CHECK(store::keep_answer(tx, scope, "DeleteAgentRuntime", once, "", context.now));
    if (!version) {
        if (view.status == Status::deleting) return Removal::repeated;
        view.status = Status::deleting;
        view.updated_at = context.now;
        AC_CHECK(store::set_runtime_status(tx, scope, view));
        return Removal::runtime;
    }
    AC_TRY([[maybe_unused]] const RuntimeView one, get(tx, scope, id, version));
    AC_TRY(const bool used, store::version_in_use(tx, scope, id, *version));
    if (used || *version == view.version) {
        return fail(ErrorCode::conflict, "version " + std::to_string(*version) +
                                             " of agent runtime " + id.text() +
                                             " is the newest one or is used by an endpoint");
    }
    AC_CHECK(store::erase_version(tx, scope, id, *version));
    return Removal::version;
}

Result<> build_ended(Transaction& tx, const Context& context, const PendingBuild& build,
                     const Result<BuiltVersion>& built) {
    const Scope& scope = context.scope;
    // The reason quotes what the build's programs wrote, which may be anything.
    const std::string reason = built ? "" : to_storable_text(built.error().message);
    AC_TRY(auto version, store::find_runtime(tx, scope, build.id, build.version));
    AC_TRY(auto runtime, store::find_runtime(tx, scope, build.id, std::nullopt));
    if (!version || !runtime || runtime->status == Status::deleting) return {};

    version->status = built ? Status::ready : Status::create_failed;
    version->failure_reason = reason;
    version->updated_at = context.now;
    AC_CHECK(store::set_version_status(tx, scope, *version,
                                       built ? std::optional(*built) : std::nullopt));
    if (runtime->version == build.version) {
        const bool first = runtime->status == Status::creating;
        runtime->status = built   ? Status::ready
                          : first ? Status::create_failed
                                  : Status::update_failed;
        runtime->failure_reason = reason;
        runtime->updated_at = context.now;
        AC_CHECK(store::set_runtime_status(tx, scope, *runtime));
    }
    return settle_default(tx, context, build, built);
}

Result<Resolved> resolve(Transaction& tx, const Scope& scope, const RuntimeId& id,
                         const std::string& name) {
    AC_TRY(const auto runtime, store::find_runtime(tx, scope, id, std::nullopt));
    if (!runtime || runtime->status == Status::deleting) return no_such_runtime(id);
    AC_TRY(const auto endpoint, store::find_endpoint(tx, scope, id, name));
    if (!endpoint) return no_such_endpoint(id, name);
    if (!endpoint->live_version) {
        if (endpoint->status == Status::creating) {
            return fail(ErrorCode::busy,
                        "agent runtime " + id.text() + " is still being created, please retry");
        }
        return fail({.code = ErrorCode::invalid_argument,
                     .message = "agent runtime " + id.text() +
                                " has no version that can run: " + endpoint->failure_reason,
                     .reason = "ResourceConflict"});
    }
    AC_TRY(auto version, store::find_runtime(tx, scope, id, *endpoint->live_version));
    AC_TRY(auto built, store::find_built(tx, scope, id, *endpoint->live_version));
    if (!version || !built) return no_such_version(id, *endpoint->live_version);
    return Resolved{*endpoint->live_version, std::move(version->spec), std::move(*built)};
}

Result<Made<EndpointView>> create_endpoint(Transaction& tx, const Context& context,
                                           const NewEndpoint& input, const std::string& id) {
    const Scope& scope = context.scope;
    AC_TRY(const auto answer, store::find_answer(tx, scope, "CreateAgentRuntimeEndpoint",
                                                 input.once, context.oldest_token()));
    AC_TRY(auto before, store::find_endpoint(tx, scope, input.runtime, input.name));
    if (answer && before) return Made<EndpointView>{std::move(*before), false};
    AC_TRY(const auto version, usable_version(tx, context, input.runtime, input.version));
    if (before) {
        return fail(ErrorCode::conflict, "an endpoint named " + input.name +
                                             " already exists for agent runtime " +
                                             input.runtime.text());
    }
    AC_TRY(const auto count, store::count_endpoints(tx, scope, input.runtime));
    if (count >= context.limits.endpoints_max)
        return over_quota("endpoints of an agent runtime", context.limits.endpoints_max);
    AC_CHECK(check_tag_count(context, input.tags.size()));

    EndpointView view{.runtime = input.runtime,
                      .name = input.name,
                      .id = id,
                      .live_version = version,
                      .target_version = version,
                      .status = Status::ready,
                      .description = input.description,
                      .created_at = context.now,
                      .updated_at = context.now};
    AC_CHECK(store::insert_endpoint(tx, scope, view));
    for (const auto& [key, value] : input.tags)
        AC_CHECK(store::set_tag(tx, scope, {input.runtime, input.name}, key, value));
    AC_CHECK(
        store::keep_answer(tx, scope, "CreateAgentRuntimeEndpoint", input.once, id, context.now));
    return Made<EndpointView>{std::move(view)};
}

Result<Made<EndpointView>> update_endpoint(Transaction& tx, const Context& context,
                                           const EndpointUpdate& input) {
    const Scope& scope = context.scope;
    AC_TRY(const auto answer, store::find_answer(tx, scope, "UpdateAgentRuntimeEndpoint",
                                                 input.once, context.oldest_token()));
    AC_TRY(EndpointView view, get_endpoint(tx, scope, input.runtime, input.name));
    if (answer) return Made<EndpointView>{std::move(view), false};
    if (input.name == kDefaultEndpoint) {
        return fail(ErrorCode::conflict,
                    "the DEFAULT endpoint follows the newest version and cannot be changed");
    }
    const auto asked = input.version ? input.version : view.live_version;
    AC_TRY(const auto version, usable_version(tx, context, input.runtime, asked));
    view.live_version = version;
    view.target_version = version;
    view.status = Status::ready;
    if (input.description) view.description = *input.description;
    view.updated_at = context.now;
    AC_CHECK(store::save_endpoint(tx, scope, view));
    AC_CHECK(
        store::keep_answer(tx, scope, "UpdateAgentRuntimeEndpoint", input.once, "", context.now));
    return Made<EndpointView>{std::move(view)};
}

Result<EndpointView> get_endpoint(Transaction& tx, const Scope& scope, const RuntimeId& id,
                                  const std::string& name) {
    AC_TRY(auto view, store::find_endpoint(tx, scope, id, name));
    if (view) return std::move(*view);
    AC_TRY([[maybe_unused]] const RuntimeView runtime, get(tx, scope, id, std::nullopt));
    return no_such_endpoint(id, name);
}

Result<bool> remove_endpoint(Transaction& tx, const Context& context, const RuntimeId& id,
                             const std::string& name, const Idempotency& once) {
    const Scope& scope = context.scope;
    AC_TRY(const auto answer, store::find_answer(tx, scope, "DeleteAgentRuntimeEndpoint", once,
                                                 context.oldest_token()));
    if (answer) return false;
    AC_TRY([[maybe_unused]] const EndpointView view, get_endpoint(tx, scope, id, name));
    if (name == kDefaultEndpoint) {
        return fail(ErrorCode::conflict,
                    "the DEFAULT endpoint is deleted with its agent runtime, not alone");
    }
    AC_CHECK(store::erase_endpoint(tx, scope, id, name));
    AC_CHECK(store::keep_answer(tx, scope, "DeleteAgentRuntimeEndpoint", once, "", context.now));
    return true;
}

Result<> must_exist(Transaction& tx, const Scope& scope, const Resource& resource) {
    if (resource.endpoint.empty()) {
        AC_TRY([[maybe_unused]] const RuntimeView runtime,
               get(tx, scope, resource.runtime, std::nullopt));
    } else {
        AC_TRY([[maybe_unused]] const EndpointView endpoint,
               get_endpoint(tx, scope, resource.runtime, resource.endpoint));
    }
    return {};
}

Result<> add_tags(Transaction& tx, const Context& context, const Resource& resource,
                  const Tags& tags) {
    AC_CHECK(must_exist(tx, context.scope, resource));
    AC_TRY(Tags all, store::find_tags(tx, context.scope, resource));
    for (const auto& [key, value] : tags) all[key] = value;
    AC_CHECK(check_tag_count(context, all.size()));
    for (const auto& [key, value] : tags)
        AC_CHECK(store::set_tag(tx, context.scope, resource, key, value));
    return {};
}

}  // namespace ac::runtime::rules
