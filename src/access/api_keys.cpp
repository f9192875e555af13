#include "access/api_keys.h"

#include <array>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace ac::access {
namespace {

using storage::Transaction;

constexpr Seconds kRememberedFor{5};
constexpr std::size_t kRememberedMax = 10'000;
constexpr std::string_view kSecretPrefix = "acm-";
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kIdBytes = 9;

constexpr std::array<storage::Migration, 1> kMigrations = {
    {{.module = "api_keys", .version = 1, .sql = R"(
CREATE TABLE api_keys (
    hash TEXT NOT NULL PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    account TEXT NOT NULL, access_key_id TEXT NOT NULL, created_at BIGINT NOT NULL);
CREATE INDEX api_keys_by_account ON api_keys (account, created_at, id))"}}};

std::string random_text(Random& random, std::size_t size) {
    std::string bytes(size, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes)));
    return to_base64url(bytes);
}

// The secret is 256 random bits: a plain hash is as good as a slow one.
std::string hash_of(std::string_view secret) {
    return sha256_hex(secret);
}

ApiKey key_of(const storage::Row& row) {
    return {.id = row.text(0),
            .name = row.text(1),
            .account = row.text(2),
            .access_key_id = row.text(3),
            .created_at = from_epoch_ms(row.integer(4))};
}

}  // namespace

std::span<const storage::Migration> ApiKeys::migrations() {
    return kMigrations;
}

Task<NewApiKey> ApiKeys::create(std::string account, std::string access_key_id, std::string name) {
    if (name.empty() || name.size() > kApiKeyNameBytesMax || !is_valid_utf8(name))
        co_return fail(ErrorCode::invalid_argument, "an API key's name has 1 to 128 bytes");
    NewApiKey made{.key = {.id = "key-" + random_text(random_, kIdBytes),
                           .name = std::move(name),
                           .account = std::move(account),
                           .access_key_id = std::move(access_key_id),
                           .created_at = clock_.wall()},
                   .secret = std::string(kSecretPrefix) + random_text(random_, kSecretBytes)};
    const auto insert = [key = made.key, hash = hash_of(made.secret)](Transaction& tx) -> Result<> {
        AC_TRY(const auto rows,
               tx.query("SELECT COUNT(*) FROM api_keys WHERE account = $1", {key.account}));
        if (rows.at(0).integer(0) >= static_cast<std::int64_t>(kApiKeysMax))
            return fail(ErrorCode::quota_exceeded, "the account has too many API keys");
        AC_CHECK(tx.execute(
            "INSERT INTO api_keys (hash, id, name, account, access_key_id, "
            "created_at) VALUES ($1, $2, $3, $4, $5, $6)",
            {hash, key.id, key.name, key.account, key.access_key_id, to_epoch_ms(key.created_at)}));
        return {};
    };
    AC_CO_CHECK(co_await database_.write(insert));
    co_return made;
}

Task<std::vector<ApiKey>> ApiKeys::list(std::string account) {
    const auto select = [account](Transaction& tx) -> Result<std::vector<ApiKey>> {
        AC_TRY(const auto rows,
               tx.query("SELECT id, name, account, access_key_id, created_at FROM api_keys "
                        "WHERE account = $1 ORDER BY created_at, id",
                        {account}));
        std::vector<ApiKey> keys;
        for (const storage::Row& row : rows) keys.push_back(key_of(row));
        return keys;
    };
    co_return co_await database_.read(select);
}

Task<> ApiKeys::remove(std::string account, std::string id) {
    const auto erase = [account, id](Transaction& tx) -> Result<std::int64_t> {
        return tx.execute("DELETE FROM api_keys WHERE account = $1 AND id = $2", {account, id});
    };
    AC_CO_TRY(const std::int64_t removed, co_await database_.write(erase));
    if (removed == 0) co_return fail(ErrorCode::not_found, "no API key has the id " + id);
    const std::lock_guard lock(mutex_);
    std::erase_if(remembered_, [&](const auto& entry) { return entry.second.key.id == id; });
    co_return Result<>{};
}

Task<std::optional<ApiKey>> ApiKeys::find(std::string secret) {
    using Found = std::optional<ApiKey>;
    if (!secret.starts_with(kSecretPrefix)) co_return Found();
    const std::string hash = hash_of(secret);
    if (auto known = remembered(hash)) co_return known;
    const auto select = [hash](Transaction& tx) -> Result<Found> {
        AC_TRY(const auto rows,
               tx.query("SELECT id, name, account, access_key_id, created_at FROM api_keys "
                        "WHERE hash = $1",
                        {hash}));
        return rows.empty() ? Found() : Found(key_of(rows.front()));
    };
    AC_CO_TRY(auto found, co_await database_.read(select));
    if (found) remember(hash, *found);
    co_return found;
}

std::optional<ApiKey> ApiKeys::remembered(const std::string& hash) {
    const std::lock_guard lock(mutex_);
    const auto found = remembered_.find(hash);
    if (found == remembered_.end() || found->second.until < clock_.steady()) return std::nullopt;
    return found->second.key;
}

void ApiKeys::remember(const std::string& hash, const ApiKey& key) {
    const std::lock_guard lock(mutex_);
    if (remembered_.size() >= kRememberedMax) remembered_.clear();
    remembered_.insert_or_assign(hash, Remembered{key, clock_.steady() + kRememberedFor});
}

}  // namespace ac::access
