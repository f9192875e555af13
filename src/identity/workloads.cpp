#include "identity/workloads.h"

#include <fmt/format.h>

#include "identity/store.h"

namespace ac::identity {

using storage::Transaction;

namespace {

std::string cache_key(const Scope& scope, const std::string& name) {
    return scope.account + "/" + scope.region + "/" + name;
}

Error not_found(const std::string& name) {
    return {.code = ErrorCode::not_found, .message = "Workload identity not found: " + name};
}

}  // namespace

Workloads::Workloads(Context& context, Milliseconds cache_life)
    : context_(context), cache_(context.limits.cache_entries_max, cache_life) {}

Task<Workload> Workloads::create(Caller caller, Workload wanted, Tags tags) {
    wanted.created_at = wanted.updated_at = context_.now();
    auto work = [scope = caller.scope, wanted, tags,
                 max = context_.limits.workloads_max](Transaction& tx) -> Result<> {
        AC_TRY(const auto known, store::find_workload(tx, scope, wanted.name));
        if (known)
            return fail(ErrorCode::invalid_argument,
                        fmt::format("Workload identity with name {} already exists", wanted.name));
        AC_TRY(const auto count, store::count_workloads(tx, scope));
        if (count >= max)
            return fail(ErrorCode::quota_exceeded,
                        fmt::format("An account has at most {} workload identities", max));
        AC_CHECK(store::save_workload(tx, scope, wanted));
        return store::add_tags(tx, workload_arn(scope, wanted.name), tags);
    };
    AC_CO_CHECK(co_await context_.database.write(std::move(work)));
    cache_.drop(cache_key(caller.scope, wanted.name));
    AuditEntry entry{.operation = "CreateWorkloadIdentity", .workload = wanted.name};
    AC_CO_CHECK(co_await context_.audit.append(caller, std::move(entry), context_.now()));
    co_return wanted;
}

Task<Workload> Workloads::get(Scope scope, std::string name) {
    auto work = [scope, name](Transaction& tx) -> Result<Workload> {
        AC_TRY(auto found, store::find_workload(tx, scope, name));
        if (!found) return fail(not_found(name));
        return *std::move(found);
    };
    return context_.database.read(std::move(work));
}

Task<Workload> Workloads::update(Caller caller, std::string name,
                                 std::vector<std::string> return_urls) {
    const auto now = context_.now();
    auto work = [scope = caller.scope, name, return_urls,
                 now](Transaction& tx) -> Result<Workload> {
        AC_TRY(auto found, store::find_workload(tx, scope, name));
        if (!found) return fail(not_found(name));
        found->return_urls = return_urls;
        found->updated_at = now;
        AC_CHECK(store::save_workload(tx, scope, *found));
        return *std::move(found);
    };
    AC_CO_TRY(auto updated, co_await context_.database.write(std::move(work)));
    cache_.drop(cache_key(caller.scope, name));
    AuditEntry entry{.operation = "UpdateWorkloadIdentity", .workload = name};
    AC_CO_CHECK(co_await context_.audit.append(caller, std::move(entry), now));
    co_return updated;
}

Task<> Workloads::remove(Caller caller, std::string name) {
    auto work = [scope = caller.scope, name](Transaction& tx) -> Result<> {
        AC_TRY(const bool gone, store::erase_workload(tx, scope, name));
        if (!gone) return fail(not_found(name));
        AC_CHECK(store::erase_grants_of_workload(tx, scope, name));
        return store::erase_all_tags(tx, workload_arn(scope, name));
    };
    AC_CO_CHECK(co_await context_.database.write(std::move(work)));
    cache_.drop(cache_key(caller.scope, name));
    AuditEntry entry{.operation = "DeleteWorkloadIdentity", .workload = name};
    co_return co_await context_.audit.append(caller, std::move(entry), context_.now());
}

Task<Page<Workload>> Workloads::list(Scope scope, PageRequest page) {
    AC_CO_TRY(const std::string after, start_of(page));
    const int wanted = page.items_max.value_or(context_.limits.providers_page_default);
    auto work = [scope, after, wanted](Transaction& tx) {
        return store::list_workloads(tx, scope, after, wanted + 1);
    };
    Page<Workload> out;
    AC_CO_TRY(out.items, co_await context_.database.read(std::move(work)));
    if (out.items.size() > static_cast<std::size_t>(wanted)) {
        out.items.pop_back();
        out.next_token = page_token(out.items.back().name);
    }
    co_return out;
}

Task<> Workloads::ensure(Scope scope, std::string name) {
    const auto now = context_.now();
    auto work = [scope, name, now](Transaction& tx) -> Result<> {
        AC_TRY(const auto known, store::find_workload(tx, scope, name));
        if (known) return {};
        const Workload made{.name = name, .return_urls = {}, .created_at = now, .updated_at = now};
        return store::save_workload(tx, scope, made);
    };
    AC_CO_CHECK(co_await context_.database.write(std::move(work)));
    cache_.drop(cache_key(scope, name));
    co_return Result<>{};
}

Task<> Workloads::forget(Scope scope, std::string name) {
    auto work = [scope, name](Transaction& tx) -> Result<> {
        AC_CHECK(store::erase_workload(tx, scope, name));
        AC_CHECK(store::erase_grants_of_workload(tx, scope, name));
        return store::erase_all_tags(tx, workload_arn(scope, name));
    };
    AC_CO_CHECK(co_await context_.database.write(std::move(work)));
    cache_.drop(cache_key(scope, name));
    co_return Result<>{};
}

Task<std::shared_ptr<const Workload>> Workloads::find(const Scope& scope, const std::string& name) {
    const std::string key = cache_key(scope, name);
    if (auto known = cache_.find(key, context_.timer.clock().steady())) co_return known;
    const auto generation = cache_.generation();
    AC_CO_TRY(auto row, co_await get(scope, name));
    auto found = std::make_shared<const Workload>(std::move(row));
    cache_.put(key, found, generation, context_.timer.clock().steady());
    co_return found;
}

}  // namespace ac::identity
