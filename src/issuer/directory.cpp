#include "issuer/directory.h"

#include <fmt/format.h>

#include "base/log.h"
#include "crypto/hash.h"

namespace ac::issuer {
namespace {

constexpr std::size_t kSecretLength = 52;
constexpr std::size_t kClientIdLength = 26;

std::string secret_place(const Client& client) {
    return "issuer-client/" + client.pool + "/" + client.id;
}

std::unexpected<Error> no_pool(const std::string& id) {
    return fail(ErrorCode::not_found, "User pool " + id + " does not exist.");
}

}  // namespace

std::unexpected<Error> oauth_error(std::string_view reason, std::string message) {
    const ErrorCode code = reason == "invalid_client" || reason == "invalid_token"
                               ? ErrorCode::unauthenticated
                               : ErrorCode::invalid_argument;
    return fail({.code = code, .message = std::move(message), .reason = std::string(reason)});
}

void Directory::open_default(std::string url, SignatureAlgorithm algorithm) {
    const std::lock_guard lock(mutex_);
    default_ = Pool{.id = std::string(kDefaultPool),
                    .scope = {},
                    .name = std::string(kDefaultPool),
                    .url = std::move(url),
                    .domain = {},
                    .algorithm = algorithm};
}

std::optional<Pool> Directory::default_pool() const {
    const std::lock_guard lock(mutex_);
    return default_;
}

Task<Pool> Directory::pool(std::string id) {
    if (id == kDefaultPool) {
        auto own = default_pool();
        if (!own) co_return no_pool(id);
        co_return *std::move(own);
    }
    auto read = [id](storage::Transaction& tx) { return store::find_pool(tx, id); };
    AC_CO_TRY(auto found, co_await parts_.database.read(read));
    if (!found) co_return no_pool(id);
    co_return *std::move(found);
}

Task<Pool> Directory::pool_of_domain(std::string domain) {
    auto read = [domain](storage::Transaction& tx) {
        return store::find_pool_of_domain(tx, domain);
    };
    AC_CO_TRY(auto found, co_await parts_.database.read(read));
    if (!found) co_return fail(ErrorCode::not_found, "Domain " + domain + " does not exist.");
    co_return *std::move(found);
}

Task<Pool> Directory::pool_in(Scope scope, std::string id) {
    if (id == kDefaultPool) co_return no_pool(id);
    AC_CO_TRY(Pool found, co_await pool(id));
    if (found.scope != scope) co_return no_pool(id);
    co_return found;
}

Task<std::vector<Pool>> Directory::pools(Scope scope, std::string after, int items_max) {
    auto read = [scope, after, items_max](storage::Transaction& tx) {
        return store::list_pools(tx, scope, after, items_max);
    };
    co_return co_await parts_.database.read(read);
}

Task<Pool> Directory::create_pool(Scope scope, std::string name, json::object document) {
    Pool pool{.id = scope.region + "_" + random_alphanumeric(parts_.random, 9),
              .scope = scope,
              .name = std::move(name),
              .algorithm = SignatureAlgorithm::rs256,
              .document = std::move(document),
              .created_at = parts_.clock.wall()};
    pool.url = "https://cognito-idp." + scope.region + ".amazonaws.com/" + pool.id;
    auto write = [pool, max = parts_.limits.pools_max](storage::Transaction& tx) -> Result<> {
        AC_TRY(const auto count, store::count_pools(tx, pool.scope));
        if (count >= max)
            return fail(ErrorCode::quota_exceeded,
                        fmt::format("An account has at most {} user pools", max));
        return store::insert_pool(tx, pool);
    };
    AC_CO_CHECK(co_await parts_.database.write(write));
    co_return pool;
}

Task<> Directory::set_domain(std::string pool, std::string domain) {
    auto write = [pool, domain](storage::Transaction& tx) {
        return store::set_domain(tx, pool, domain);
    };
    co_return co_await parts_.database.write(write);
}

Task<> Directory::remove_pool(std::string id) {
    auto write = [id](storage::Transaction& tx) { return store::erase_pool(tx, id); };
    AC_CO_CHECK(co_await parts_.database.write(write));
    keys_.forget(id);
    const std::lock_guard lock(mutex_);
    clients_.clear();
    co_return Result<>{};
}

Task<> Directory::create_resource_server(std::string pool, std::string id, std::string document) {
    auto write = [pool, id, document](storage::Transaction& tx) -> Result<> {
        AC_TRY(const auto known, store::find_resource_server(tx, pool, id));
        if (known) return fail(ErrorCode::conflict, id + " already exists in user pool " + pool);
        return store::put_resource_server(tx, pool, id, document);
    };
    co_return co_await parts_.database.write(write);
}

Task<std::optional<std::string>> Directory::resource_server(std::string pool, std::string id) {
    auto read = [pool, id](storage::Transaction& tx) {
        return store::find_resource_server(tx, pool, id);
    };
    co_return co_await parts_.database.read(read);
}

Task<Directory::NewClient> Directory::create_client(Client wanted, Secret secret) {
    NewClient made{.client = std::move(wanted)};
    Client& client = made.client;
    if (client.id.empty()) client.id = random_lower_alphanumeric(parts_.random, kClientIdLength);
    client.created_at = parts_.clock.wall();
    if (secret == Secret::generate) {
        made.secret = random_lower_alphanumeric(parts_.random, kSecretLength);
        client.secret_hash = sha256_hex(made.secret);
        AC_CO_TRY(client.secret_sealed, parts_.sealer.seal(secret_place(client), made.secret));
    }
    auto write = [client, max = parts_.limits.clients_max](storage::Transaction& tx) -> Result<> {
        AC_TRY(const auto count, store::count_clients(tx, client.pool));
        if (count >= max)
            return fail(ErrorCode::quota_exceeded,
                        fmt::format("A pool has at most {} clients", max));
        AC_TRY(const auto known, store::find_client(tx, client.pool, client.id));
        if (known) return fail(ErrorCode::conflict, "the client exists: " + client.id);
        return store::insert_client(tx, client);
    };
    AC_CO_CHECK(co_await parts_.database.write(write));
    forget_client(client.pool, client.id);
    co_return made;
}

Task<ClientPointer> Directory::client(std::string pool, std::string id) {
    const std::string key = pool + "\n" + id;
    {
        const std::lock_guard lock(mutex_);
        const auto found = clients_.find(key);
        if (found != clients_.end() && parts_.clock.steady() < found->second.until)
            co_return found->second.client;
    }
    auto read = [pool, id](storage::Transaction& tx) { return store::find_client(tx, pool, id); };
    AC_CO_TRY(auto found, co_await parts_.database.read(read));
    if (!found) co_return nullptr;
    auto client = std::make_shared<const Client>(*std::move(found));
    const std::lock_guard lock(mutex_);
    if (clients_.size() >= parts_.limits.clients_cached_max) clients_.clear();
    clients_[key] = {client, parts_.clock.steady() + parts_.limits.client_cache};
    co_return client;
}

Task<ClientPointer> Directory::client_of_cognito(std::string id) {
    auto read = [id](storage::Transaction& tx) { return store::find_client_by_id(tx, id); };
    AC_CO_TRY(auto found, co_await parts_.database.read(read));
    if (!found || found->pool == kDefaultPool) co_return nullptr;
    co_return std::make_shared<const Client>(*std::move(found));
}

void Directory::forget_client(const std::string& pool, const std::string& id) {
    const std::lock_guard lock(mutex_);
    clients_.erase(pool + "\n" + id);
}

Task<std::vector<Client>> Directory::clients(std::string pool) {
    auto read = [pool](storage::Transaction& tx) { return store::list_clients(tx, pool); };
    co_return co_await parts_.database.read(read);
}

Task<std::int64_t> Directory::rewrap() {
    auto list = [](storage::Transaction& tx) { return store::all_clients(tx); };
    AC_CO_TRY(auto clients, co_await parts_.database.read(list));
    std::int64_t done = 0;
    for (Client& client : clients) {
        if (client.secret_sealed.empty()) continue;
        const auto sealed = parts_.sealer.rewrap(secret_place(client), client.secret_sealed);
        if (!sealed) {  // the others can be
            AC_LOG(error, "a client's secret cannot be rewrapped", {"client", client.id},
                   {"reason", sealed.error().message});
            continue;
        }
        if (!*sealed) continue;
        client.secret_sealed = **sealed;
        auto replace = [&client](storage::Transaction& tx) {
            return store::replace_client_secret(tx, client);
        };
        AC_CO_CHECK(co_await parts_.database.write(replace));
        ++done;
    }
    co_return done;
}

Result<SecretBytes> Directory::secret_of(const Client& client) {
    if (client.secret_sealed.empty()) return SecretBytes();
    return parts_.sealer.open(secret_place(client), client.secret_sealed);
}

Task<> Directory::remove_client(std::string pool, std::string id) {
    auto write = [pool, id](storage::Transaction& tx) -> Result<> {
        AC_TRY(const bool was_there, store::erase_client(tx, pool, id));
        if (!was_there) return fail(ErrorCode::not_found, "Client " + id + " does not exist.");
        return {};
    };
    AC_CO_CHECK(co_await parts_.database.write(write));
    forget_client(pool, id);
    co_return Result<>{};
}

}  // namespace ac::issuer
