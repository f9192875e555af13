#include "runtime/catalog.h"

#include <charconv>
#include <limits>

#include "crypto/page_token.h"
#include "runtime/catalog_rules.h"
#include "runtime/store.h"

namespace ac::runtime {
namespace {

using rules::Context;
using storage::Transaction;

constexpr std::size_t kIdTail = 10;

std::string listing_of(std::string_view call, const Scope& scope, const RuntimeId& id) {
    return std::string(call) + '/' + scope.account + '/' + scope.region + '/' + id.text();
}

class StoredCatalog final : public Catalog {
  public:
    StoredCatalog(storage::Database& database, Random& random, const Clock& clock,
                  const RuntimeLimits& limits, CatalogListener& listener)
        : database_(database),
          random_(random),
          clock_(clock),
          limits_(limits),
          listener_(listener) {}

    Task<RuntimeView> create(Scope scope, NewRuntime input) override {
        const RuntimeId id(input.name + '-' + random_alphanumeric(random_, kIdTail));
        const std::string endpoint_id =
            std::string(kDefaultEndpoint) + '-' + random_alphanumeric(random_, kIdTail);
        const Context context = context_of(scope);
        auto work = [context, input, id, endpoint_id](Transaction& tx) {
            return rules::create(tx, context, input, id, endpoint_id);
        };
        AC_CO_TRY(auto made, co_await database_.write(std::move(work)));
        if (made.fresh) listener_.build_wanted(pending(scope, made.view));
        made.view.status = Status::creating;
        co_return std::move(made.view);
    }

    Task<RuntimeView> update(Scope scope, RuntimeUpdate input) override {
        const Context context = context_of(scope);
        auto work = [context, input](Transaction& tx) { return rules::update(tx, context, input); };
        AC_CO_TRY(auto made, co_await database_.write(std::move(work)));
        if (made.fresh) listener_.build_wanted(pending(scope, made.view));
        made.view.status = Status::updating;
        co_return std::move(made.view);
    }

    Task<RuntimeView> get(Scope scope, RuntimeId id, std::optional<std::int64_t> version) override {
        auto work = [scope, id, version](Transaction& tx) {
            return rules::get(tx, scope, id, version);
        };
        return database_.read(std::move(work));
    }

    Task<Page<RuntimeView>> list(Scope scope, PageRequest page) override {
        const std::string listing = listing_of("runtimes", scope, {});
        const int wanted = page.items_max.value_or(limits_.page_default);
        AC_CO_TRY(const std::string after, start_of(listing, page));
        auto work = [scope, after, wanted](Transaction& tx) {
            return store::list_runtimes(tx, scope, after, wanted + 1);
        };
        AC_CO_TRY(auto items, co_await database_.read(std::move(work)));
        co_return cut(std::move(items), wanted, listing,
                      [](const RuntimeView& view) { return view.id.text(); });
    }

    Task<Page<RuntimeView>> list_versions(Scope scope, RuntimeId id, PageRequest page) override {
        const std::string listing = listing_of("versions", scope, id);
        const int wanted = page.items_max.value_or(limits_.page_default);
        AC_CO_TRY(const std::string below_text, start_of(listing, page));
        std::int64_t below = std::numeric_limits<std::int64_t>::max();
        std::from_chars(below_text.data(), below_text.data() + below_text.size(), below);
        auto work = [scope, id, below,
                     wanted](Transaction& tx) -> Result<std::vector<RuntimeView>> {
            AC_CHECK(rules::must_exist(tx, scope, {.runtime = id}));
            return store::list_versions(tx, scope, id, below, wanted + 1);
        };
        AC_CO_TRY(auto items, co_await database_.read(std::move(work)));
        co_return cut(std::move(items), wanted, listing,
                      [](const RuntimeView& view) { return std::to_string(view.version); });
    }

    Task<> remove(Scope scope, RuntimeId id, std::optional<std::int64_t> version,
                  Idempotency once) override {
        const Context context = context_of(scope);
        auto work = [context, id, version, once](Transaction& tx) {
            return rules::remove(tx, context, id, version, once);
        };
        AC_CO_TRY(const auto removal, co_await database_.write(std::move(work)));
        const Resource resource{.runtime = id};
        if (removal == rules::Removal::runtime) {
            listener_.changed(scope, resource, true);
            listener_.delete_wanted(scope, id);
        }
        co_return Result<>{};
    }

    Task<EndpointView> create_endpoint(Scope scope, NewEndpoint input) override {
        const std::string id = input.name + '-' + random_alphanumeric(random_, kIdTail);
        const Context context = context_of(scope);
        auto work = [context, input, id](Transaction& tx) {
            return rules::create_endpoint(tx, context, input, id);
        };
        AC_CO_TRY(auto made, co_await database_.write(std::move(work)));
        const Resource resource{input.runtime, input.name};
        listener_.changed(scope, resource, false);
        made.view.status = Status::creating;
        co_return std::move(made.view);
    }

    Task<EndpointView> update_endpoint(Scope scope, EndpointUpdate input) override {
        const Context context = context_of(scope);
        auto work = [context, input](Transaction& tx) {
            return rules::update_endpoint(tx, context, input);
        };
        AC_CO_TRY(auto made, co_await database_.write(std::move(work)));
        const Resource resource{input.runtime, input.name};
        listener_.changed(scope, resource, false);
        made.view.status = Status::updating;
        co_return std::move(made.view);
    }

    Task<EndpointView> get_endpoint(Scope scope, RuntimeId id, std::string name) override {
        auto work = [scope, id, name](Transaction& tx) {
            return rules::get_endpoint(tx, scope, id, name);
        };
        return database_.read(std::move(work));
    }

    Task<Page<EndpointView>> list_endpoints(Scope scope, RuntimeId id, PageRequest page) override {
        const std::string listing = listing_of("endpoints", scope, id);
        const int wanted = page.items_max.value_or(limits_.page_default);
        AC_CO_TRY(const std::string after, start_of(listing, page));
        auto work = [scope, id, after,
                     wanted](Transaction& tx) -> Result<std::vector<EndpointView>> {
            AC_CHECK(rules::must_exist(tx, scope, {.runtime = id}));
            return store::list_endpoints(tx, scope, id, after, wanted + 1);
        };
        AC_CO_TRY(auto items, co_await database_.read(std::move(work)));
        co_return cut(std::move(items), wanted, listing,
                      [](const EndpointView& view) { return view.name; });
    }

    Task<> remove_endpoint(Scope scope, RuntimeId id, std::string name, Idempotency once) override {
        const Context context = context_of(scope);
        auto work = [context, id, name, once](Transaction& tx) {
            return rules::remove_endpoint(tx, context, id, name, once);
        };
        AC_CO_TRY(const bool removed, co_await database_.write(std::move(work)));
        const Resource resource{id, name};
        if (removed) listener_.changed(scope, resource, true);
        co_return Result<>{};
    }

    Task<Tags> tags(Scope scope, Resource resource) override {
        auto work = [scope, resource](Transaction& tx) -> Result<Tags> {
            AC_CHECK(rules::must_exist(tx, scope, resource));
            return store::find_tags(tx, scope, resource);
        };
        return database_.read(std::move(work));
    }

    Task<> add_tags(Scope scope, Resource resource, Tags tags) override {
        const Context context = context_of(scope);
        auto work = [context, resource, tags](Transaction& tx) {
            return rules::add_tags(tx, context, resource, tags);
        };
        return database_.write(std::move(work));
    }

    Task<> remove_tags(Scope scope, Resource resource, std::vector<std::string> keys) override {
        auto work = [scope, resource, keys](Transaction& tx) -> Result<> {
            AC_CHECK(rules::must_exist(tx, scope, resource));
            for (const std::string& key : keys)
                AC_CHECK(store::erase_tag(tx, scope, resource, key));
            return {};
        };
        return database_.write(std::move(work));
    }

    Task<> migrate() override {
        AC_CO_CHECK(co_await database_.migrate(store::migrations()));
        const WallTime oldest = clock_.wall() - limits_.token_memory;
        auto work = [oldest](Transaction& tx) { return store::forget_answers(tx, oldest); };
        co_return co_await database_.write(std::move(work));
    }

    Task<std::vector<PendingBuild>> pending_builds() override {
        auto work = [](Transaction& tx) { return store::list_unbuilt(tx); };
        return database_.read(std::move(work));
    }

    Task<std::vector<BuiltVersion>> built_versions() override {
        auto work = [](Transaction& tx) { return store::list_built(tx); };
        return database_.read(std::move(work));
    }

    Task<std::vector<std::pair<Scope, RuntimeId>>> pending_deletes() override {
        auto work = [](Transaction& tx) { return store::list_deleting(tx); };
        return database_.read(std::move(work));
    }

    Task<> build_ended(PendingBuild build, Result<BuiltVersion> built) override {
        const Context context = context_of(build.scope);
        auto work = [context, build, built](Transaction& tx) {
            return rules::build_ended(tx, context, build, built);
        };
        AC_CO_CHECK(co_await database_.write(std::move(work)));
        const Resource resource{.runtime = build.id};
        listener_.changed(build.scope, resource, false);
        co_return Result<>{};
    }

    Task<> purge(Scope scope, RuntimeId id) override {
        auto work = [scope, id](Transaction& tx) { return store::erase_runtime(tx, scope, id); };
        return database_.write(std::move(work));
    }

    Task<Resolved> resolve(Scope scope, RuntimeId id, std::string endpoint) override {
        auto work = [scope, id, endpoint](Transaction& tx) {
            return rules::resolve(tx, scope, id, endpoint);
        };
        return database_.read(std::move(work));
    }

  private:
    Context context_of(const Scope& scope) const { return {scope, clock_.wall(), limits_}; }

    static PendingBuild pending(const Scope& scope, const RuntimeView& view) {
        return {scope, view.id, view.version, view.spec};
    }

    static Result<std::string> start_of(const std::string& listing, const PageRequest& page) {
        if (page.token.empty()) return std::string();
        return last_of_page_token(listing, page.token);
    }

    // `items` holds one more than wanted when there are more.
    template <class Item, class Key>
    static Result<Page<Item>> cut(std::vector<Item> items, int wanted, const std::string& listing,
                                  Key key) {
        Page<Item> page{.items = std::move(items)};
        if (page.items.size() > static_cast<std::size_t>(wanted)) {
            page.items.pop_back();
            page.next_token = page_token(listing, key(page.items.back()));
        }
        return page;
    }

    storage::Database& database_;
    Random& random_;
    const Clock& clock_;
    const RuntimeLimits& limits_;
    CatalogListener& listener_;
};

}  // namespace

std::unique_ptr<Catalog> make_catalog(storage::Database& database, Random& random,
                                      const Clock& clock, const RuntimeLimits& limits,
                                      CatalogListener& listener) {
    return std::make_unique<StoredCatalog>(database, random, clock, limits, listener);
}

}  // namespace ac::runtime
