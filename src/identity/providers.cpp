#include "identity/providers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/time_text.h"
#include "identity/store.h"

namespace ac::identity {

using storage::Transaction;

namespace {

constexpr std::size_t kTagsMax = 50;  // of one resource; API model

std::unexpected<Error> invalid(std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
}

std::string_view noun(ProviderKind kind) {
    return kind == ProviderKind::api_key ? "API key credential provider"
                                         : "OAuth2 credential provider";
}

// Operation names outlive the audit entry that has a view of them.
std::string_view operation(std::string_view verb, ProviderKind kind) {
    const bool key = kind == ProviderKind::api_key;
    if (verb == "Create")
        return key ? "CreateApiKeyCredentialProvider" : "CreateOauth2CredentialProvider";
    if (verb == "Update")
        return key ? "UpdateApiKeyCredentialProvider" : "UpdateOauth2CredentialProvider";
    return key ? "DeleteApiKeyCredentialProvider" : "DeleteOauth2CredentialProvider";
}

Error not_found(ProviderKind kind, const std::string& name) {
    return {.code = ErrorCode::not_found,
            .message = fmt::format("{} not found: {}", noun(kind), name)};
}

std::string cache_key(const Scope& scope, ProviderKind kind, const std::string& name) {
    return fmt::format("{}/{}/{}/{}", scope.account, scope.region, to_string(kind), name);
}

Place place_of(const Scope& scope, const Provider& provider) {
    return {.scope = scope,
            .kind = to_string(provider.kind),
            .name = provider.name,
            .user = {},
            .revision = provider.revision};
}

Result<std::optional<WallTime>> expiry_of(const Tags& tags, WallTime now) {
    const auto tag = tags.find(std::string(kExpiryTag));
    if (tag == tags.end()) return std::nullopt;
    const auto time = from_rfc3339(tag->second);
    if (!time || *time <= now)
        return invalid(fmt::format("The tag {} is an RFC 3339 time to come", kExpiryTag));
    return time;
}

Result<> check_secret(const SecretBytes& secret, const IdentityLimits& limits) {
    if (secret.size() > limits.credential_bytes_max)
        return invalid(
            fmt::format("A credential has at most {} bytes", limits.credential_bytes_max));
    return {};
}

// The ARN's last parts: "oauth2credentialprovider/name".
struct Resource {
    std::optional<ProviderKind> kind;  // nullopt: a workload identity
    std::string name;
};
Result<Resource> resource_of(const Scope& scope, const std::string& arn) {
    const auto slash = arn.rfind('/');
    const std::string name = slash == std::string::npos ? std::string() : arn.substr(slash + 1);
    for (const auto kind : {ProviderKind::api_key, ProviderKind::oauth2})
        if (arn == provider_arn(scope, kind, name)) return Resource{kind, name};
    if (arn == workload_arn(scope, name)) return Resource{std::nullopt, name};
    return fail(ErrorCode::not_found, "Resource not found: " + arn);
}

Result<> must_exist(Transaction& tx, const Scope& scope, const Resource& resource) {
    if (resource.kind) {
        AC_TRY(const auto row, store::find_provider(tx, scope, *resource.kind, resource.name));
        if (!row) return fail(not_found(*resource.kind, resource.name));
        return {};
    }
    AC_TRY(const auto row, store::find_workload(tx, scope, resource.name));
    if (!row) return fail(ErrorCode::not_found, "Workload identity not found: " + resource.name);
    return {};
}

}  // namespace

Providers::Providers(Context& context, Milliseconds cache_life)
    : context_(context), cache_(context.limits.cache_entries_max, cache_life) {}

Task<Provider> Providers::create(Caller caller, NewProvider wanted) {
    AC_CO_CHECK(check_secret(wanted.secret, context_.limits));
    const auto now = context_.now();
    Provider made{.kind = wanted.kind,
                  .name = wanted.name,
                  .oauth = std::move(wanted.oauth),
                  .callback = {},
                  .revision = 1,
                  .sealed = {},
                  .created_at = now,
                  .updated_at = now};
    if (made.kind == ProviderKind::oauth2) made.callback = random_uuid(context_.random);
    AC_CO_TRY(made.expires_at, expiry_of(wanted.tags, now));
    auto work = [this, scope = caller.scope, made, &secret = wanted.secret,
                 &tags = wanted.tags](Transaction& tx) -> Result<Provider> {
        AC_TRY(const auto known, store::find_provider(tx, scope, made.kind, made.name));
        if (known)
            return fail(ErrorCode::conflict,
                        fmt::format("{} with name {} already exists", noun(made.kind), made.name));
        AC_TRY(const auto count, store::count_providers(tx, scope));
        if (count >= context_.limits.credentials_max)
            return fail(ErrorCode::quota_exceeded,
                        fmt::format("An account has at most {} credential providers",
                                    context_.limits.credentials_max));
        Provider row = made;
        if (!secret.empty()) {
            AC_TRY(const std::string key, wrapping_key(tx, context_.keys, scope));
            row.sealed = context_.vault.seal(place_of(scope, row), secret.view(), key);
        }
        AC_CHECK(store::save_provider(tx, scope, row));
        AC_CHECK(store::add_tags(tx, provider_arn(scope, row.kind, row.name), tags));
        return row;
    };
    AC_CO_TRY(Provider stored, co_await context_.database.write(std::move(work)));
    cache_.drop(cache_key(caller.scope, stored.kind, stored.name));
    AuditEntry entry{.operation = operation("Create", stored.kind), .provider = stored.name};
    AC_CO_CHECK(co_await context_.audit.append(caller, std::move(entry), now));
    co_return stored;
}

Task<Provider> Providers::update(Caller caller, NewProvider wanted) {
    AC_CO_CHECK(check_secret(wanted.secret, context_.limits));
    const auto now = context_.now();
    auto work = [this, scope = caller.scope, now, &wanted](Transaction& tx) -> Result<Provider> {
        AC_TRY(auto row, store::find_provider(tx, scope, wanted.kind, wanted.name));
        if (!row) return fail(not_found(wanted.kind, wanted.name));
        // Sealed again even when the secret stays: its place has a new revision.
        SecretBytes kept;
        if (wanted.secret.empty() && !row->sealed.empty()) {
            AC_TRY(kept, context_.vault.open(place_of(scope, *row), row->sealed));
        }
        const SecretBytes& secret = wanted.secret.empty() ? kept : wanted.secret;
        row->oauth = wanted.oauth;
        ++row->revision;
        row->updated_at = now;
        row->sealed.clear();
        if (!secret.empty()) {
            AC_TRY(const std::string key, wrapping_key(tx, context_.keys, scope));
            row->sealed = context_.vault.seal(place_of(scope, *row), secret.view(), key);
        }
        AC_CHECK(store::save_provider(tx, scope, *row));
        return *std::move(row);
    };
    AC_CO_TRY(Provider stored, co_await context_.database.write(std::move(work)));
    cache_.drop(cache_key(caller.scope, stored.kind, stored.name));
    AuditEntry entry{.operation = operation("Update", stored.kind), .provider = stored.name};
    AC_CO_CHECK(co_await context_.audit.append(caller, std::move(entry), now));
    co_return stored;
}

Task<Provider> Providers::get(Scope scope, ProviderKind kind, std::string name) {
    auto work = [scope, kind, name](Transaction& tx) -> Result<Provider> {
        AC_TRY(auto row, store::find_provider(tx, scope, kind, name));
        if (!row) return fail(not_found(kind, name));
        return *std::move(row);
    };
    return context_.database.read(std::move(work));
}

Task<> Providers::remove(Caller caller, ProviderKind kind, std::string name) {
    auto work = [scope = caller.scope, kind, name](Transaction& tx) -> Result<> {
        AC_TRY(const bool gone, store::erase_provider(tx, scope, kind, name));
        if (!gone) return fail(not_found(kind, name));
        if (kind == ProviderKind::oauth2)
            AC_CHECK(store::erase_grants_of_provider(tx, scope, name));
        return store::erase_all_tags(tx, provider_arn(scope, kind, name));
    };
    AC_CO_CHECK(co_await context_.database.write(std::move(work)));
    cache_.drop(cache_key(caller.scope, kind, name));
    AuditEntry entry{.operation = operation("Delete", kind), .provider = name};
    co_return co_await context_.audit.append(caller, std::move(entry), context_.now());
}

Task<Page<Provider>> Providers::list(Scope scope, ProviderKind kind, PageRequest page) {
    AC_CO_TRY(const std::string after, start_of(page));
    const int wanted = page.items_max.value_or(context_.limits.providers_page_default);
    auto work = [scope, kind, after, wanted](Transaction& tx) {
        return store::list_providers(tx, scope, kind, after, wanted + 1);
    };
    Page<Provider> out;
    AC_CO_TRY(out.items, co_await context_.database.read(std::move(work)));
    if (out.items.size() > static_cast<std::size_t>(wanted)) {
        out.items.pop_back();
        out.next_token = page_token(out.items.back().name);
    }
    co_return out;
}

Task<Providers::Placed> Providers::find_by_callback(std::string callback) {
    auto work = [callback](Transaction& tx) -> Result<Placed> {
        AC_TRY(auto row, store::find_provider_by_callback(tx, callback));
        if (!row) return fail(ErrorCode::not_found, "no provider has this callback URL");
        return Placed{.scope = std::move(row->scope), .provider = std::move(row->provider)};
    };
    return context_.database.read(std::move(work));
}

Task<std::shared_ptr<const Provider>> Providers::find(const Scope& scope, ProviderKind kind,
                                                      const std::string& name) {
    const std::string key = cache_key(scope, kind, name);
    auto found = cache_.find(key, context_.timer.clock().steady());
    if (!found) {
        const auto generation = cache_.generation();
        AC_CO_TRY(auto row, co_await get(scope, kind, name));
        found = std::make_shared<const Provider>(std::move(row));
        cache_.put(key, found, generation, context_.timer.clock().steady());
    }
    if (found->expires_at && *found->expires_at <= context_.now())
        co_return fail(ErrorCode::not_found, fmt::format("{} {} has expired", noun(kind), name));
    co_return found;
}

Result<SecretBytes> Providers::open(const Scope& scope, const Provider& provider) const {
    if (provider.sealed.empty())
        return fail(ErrorCode::not_found,
                    fmt::format("{} {} has no secret", noun(provider.kind), provider.name));
    return context_.vault.open(place_of(scope, provider), provider.sealed);
}

std::string Providers::callback_url(const Provider& provider) const {
    return context_.public_url + "/identities/oauth2/callback/" + provider.callback;
}

Task<Tags> Providers::tags(Scope scope, std::string arn) {
    AC_CO_TRY(const Resource resource, resource_of(scope, arn));
    auto work = [scope, resource, arn](Transaction& tx) -> Result<Tags> {
        AC_CHECK(must_exist(tx, scope, resource));
        return store::find_tags(tx, arn);
    };
    co_return co_await context_.database.read(std::move(work));
}

Task<> Providers::change_tags(Scope scope, std::string arn, Tags added,
                              std::vector<std::string> removed) {
    AC_CO_TRY(const Resource resource, resource_of(scope, arn));
    const auto now = context_.now();
    auto work = [scope, resource, arn, added, removed, now](Transaction& tx) -> Result<> {
        AC_CHECK(must_exist(tx, scope, resource));
        AC_CHECK(store::add_tags(tx, arn, added));
        AC_CHECK(store::erase_tags(tx, arn, removed));
        AC_TRY(const Tags tags, store::find_tags(tx, arn));
        if (tags.size() > kTagsMax) return invalid("A resource has at most 50 tags");
        const bool expiry_changes =
            added.contains(std::string(kExpiryTag)) || std::ranges::count(removed, kExpiryTag) > 0;
        if (!resource.kind || !expiry_changes) return {};
        AC_TRY(auto row, store::find_provider(tx, scope, *resource.kind, resource.name));
        AC_TRY(row->expires_at, expiry_of(tags, now));
        return store::save_provider(tx, scope, *row);
    };
    AC_CO_CHECK(co_await context_.database.write(std::move(work)));
    if (resource.kind) cache_.drop(cache_key(scope, *resource.kind, resource.name));
    co_return Result<>{};
}

}  // namespace ac::identity
