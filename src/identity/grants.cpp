#include "identity/grants.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <set>

#include "base/log.h"
#include "crypto/hash.h"

namespace ac::identity {

using storage::Transaction;

namespace {

constexpr int kSaveAttempts = 20;
constexpr Milliseconds kSavePause{250};
constexpr std::size_t kSlotDigits = 32;

std::vector<std::string> words_of(const std::string& text) {
    std::vector<std::string> out;
    std::string word;
    for (const char c : text + " ") {
        if (c != ' ' && c != ',') {
            word += c;
        } else if (!word.empty()) {
            out.push_back(std::move(word));
            word.clear();
        }
    }
    return out;
}

std::string sorted_scopes(std::vector<std::string> scopes) {
    std::ranges::sort(scopes);
    const auto doubles = std::ranges::unique(scopes);
    scopes.erase(doubles.begin(), doubles.end());
    std::string out;
    for (const std::string& scope : scopes) out += (out.empty() ? "" : " ") + scope;
    return out;
}

bool covers(const std::string& granted, const std::vector<std::string>& wanted) {
    const auto words = words_of(granted);
    const std::set<std::string> have(words.begin(), words.end());
    return std::ranges::all_of(wanted, [&](const std::string& s) { return have.contains(s); });
}

std::string digest_of(const std::vector<std::string>& parts) {
    json::array list;
    for (const std::string& part : parts) list.emplace_back(part);
    return sha256_hex(json::serialize(list)).substr(0, kSlotDigits);
}

// Which targets, then which scopes: grants for other targets are never looked at.
std::string slot_prefix(std::string_view flow, const Wish& wish) {
    std::vector<std::string> targets = wish.resources;
    targets.emplace_back("|");
    targets.insert(targets.end(), wish.audiences.begin(), wish.audiences.end());
    return fmt::format("{}/{}/", flow, digest_of(targets));
}

std::string slot_of(std::string_view flow, const Wish& wish) {
    return slot_prefix(flow, wish) + digest_of({sorted_scopes(wish.scopes)});
}

store::GrantKey key_of(const Client& client, const Grants::Request& request, std::string slot) {
    return {.scope = client.scope,
            .workload = request.workload,
            .user = request.user,
            .provider = client.provider->name,
            .slot = std::move(slot)};
}

std::string lock_key(const store::GrantKey& key) {
    return fmt::format("{}/{}/{}/{}", key.scope.account, key.scope.region, store::secret_name(key),
                       key.user.text());
}

Place place_of(const store::GrantRow& row) {
    return {.scope = row.key.scope,
            .kind = "grant",
            .name = store::secret_name(row.key),
            .user = row.key.user.text(),
            .revision = row.revision};
}

}  // namespace

std::string Grants::user_slot(const Wish& wish) {
    return slot_of("user", wish);
}

GrantTokens Grants::tokens_from(TokenAnswer answer) const {
    const Seconds life = answer.expires_in.value_or(context_.limits.token_life_default);
    return {.access = std::move(answer.access_token),
            .refresh = std::move(answer.refresh_token),
            .previous = {},
            .access_until = context_.now() + life};
}

// A token that lives shorter than the margin is given out while it lives.
bool Grants::is_fresh(const GrantTokens& tokens) const {
    return tokens.access_until - context_.limits.token_margin > context_.now();
}

Result<GrantTokens> Grants::open(const store::GrantRow& row) const {
    AC_TRY(const SecretBytes bytes, context_.vault.open(place_of(row), row.sealed));
    return grant_tokens_from(bytes);
}

Task<TokenAnswer> Grants::ask(Client client, Parameters parameters) {
    const Provider& provider = *client.provider;
    const Vendor* const vendor = find_vendor(provider.oauth.vendor);
    AC_ASSERT(vendor != nullptr);
    AC_CO_TRY(const ServerMetadata server, co_await servers_.find(provider.oauth));
    AC_CO_TRY(const SecretBytes secret, providers_.open(client.scope, provider));
    OutsideRequest request = token_request(server, *vendor, provider.oauth, secret.view(),
                                           std::move(parameters), context_.limits);
    AC_CO_TRY(const net::Response response, co_await context_.outside.fetch(std::move(request)));
    co_return parse_token_answer(response);
}

Task<SecretBytes> Grants::client_credentials(Client client, Request request) {
    const Vendor* const vendor = find_vendor(client.provider->oauth.vendor);
    AC_ASSERT(vendor != nullptr);
    request.user = {};
    store::GrantKey key = key_of(client, request, slot_of("m2m", request.wish));
    Parameters parameters = client_credentials_grant(*vendor, request.wish);
    co_return co_await kept_or_new(std::move(client), std::move(key), std::move(request),
                                   std::move(parameters));
}

Task<SecretBytes> Grants::exchanged(Client client, Request request, SecretBytes user_token) {
    const OauthConfig& config = client.provider->oauth;
    const Vendor* const vendor = find_vendor(config.vendor);
    AC_ASSERT(vendor != nullptr);
    ExchangeGrant grant = config.exchange;
    if (grant == ExchangeGrant::none && vendor->name == "MicrosoftOauth2")
        grant = ExchangeGrant::jwt_bearer;
    if (grant == ExchangeGrant::none)
        co_return fail(ErrorCode::invalid_argument,
                       "The credential provider has no onBehalfOfTokenExchangeConfig");
    Parameters parameters;
    if (grant == ExchangeGrant::jwt_bearer) {
        parameters = jwt_bearer_grant(*vendor, request.wish, user_token.view());
    } else {
        SecretBytes actor;
        if (config.actor == ActorToken::m2m) {
            Request own{.workload = request.workload, .user = {}, .wish = {}};
            own.wish.scopes = config.actor_scopes;
            AC_CO_TRY(actor, co_await client_credentials(client, std::move(own)));
        }
        parameters = token_exchange_grant(request.wish, user_token.view(), actor.view());
    }
    // Another token of the same user's may say something else, so it has a slot of its own.
    const std::string source = sha256_hex(user_token.view()).substr(0, kSlotDigits);
    store::GrantKey key = key_of(client, request, slot_of("exchange", request.wish) + "/" + source);
    co_return co_await kept_or_new(std::move(client), std::move(key), std::move(request),
                                   std::move(parameters));
}

// Tokens that can be had again at any time: no lease is needed, a crash loses nothing.
Task<SecretBytes> Grants::kept_or_new(Client client, store::GrantKey key, Request request,
                                      Parameters parameters) {
    if (!request.fresh) {
        AC_CO_TRY(auto known, co_await kept(key));
        if (known) co_return *std::move(known);
    }
    AC_CO_TRY(const KeyedLock::Hold hold, co_await renewals_.hold(lock_key(key)));
    if (!request.fresh) {
        AC_CO_TRY(auto known, co_await kept(key));
        if (known) co_return *std::move(known);
    }
    AC_CO_TRY(TokenAnswer answer, co_await ask(std::move(client), std::move(parameters)));
    GrantTokens tokens = tokens_from(std::move(answer));
    tokens.refresh = {};
    auto keep_it = [this, &key, &tokens, &request](Transaction& tx) {
        return keep(tx, key, sorted_scopes(request.wish.scopes), tokens);
    };
    AC_CO_CHECK(co_await context_.database.write(keep_it));
    co_return std::move(tokens.access);
}

Task<std::optional<SecretBytes>> Grants::kept(store::GrantKey key) {
    auto find = [key](Transaction& tx) { return store::find_grant(tx, key); };
    AC_CO_TRY(const auto row, co_await context_.database.read(std::move(find)));
    std::optional<SecretBytes> none;
    if (!row || row->sealed.empty()) co_return none;
    AC_CO_TRY(GrantTokens tokens, open(*row));
    if (!is_fresh(tokens)) co_return none;
    co_return std::move(tokens.access);
}

Result<> Grants::keep(Transaction& tx, const store::GrantKey& key, const std::string& scopes,
                      const GrantTokens& tokens) {
    AC_TRY(const auto known, store::find_grant(tx, key));
    store::GrantRow row{.key = key,
                        .scopes = scopes,
                        .sealed = {},
                        .revision = known ? known->revision + 1 : 1,
                        .updated_at = context_.now()};
    if (tokens.refresh.empty()) row.expires_at = tokens.access_until;
    AC_TRY(const std::string wrapping, wrapping_key(tx, context_.keys, key.scope));
    row.sealed = context_.vault.seal(place_of(row), to_bytes(tokens).view(), wrapping);
    return store::save_grant(tx, row);
}

Task<std::optional<SecretBytes>> Grants::users_own(Client client, Request request) {
    const store::GrantKey any = key_of(client, request, {});
    auto list = [any, prefix = slot_prefix("user", request.wish)](Transaction& tx) {
        return store::list_grants(tx, any, prefix);
    };
    AC_CO_TRY(const auto rows, co_await context_.database.read(std::move(list)));
    std::optional<SecretBytes> none;
    for (const auto& row : rows) {
        if (!covers(row.scopes, request.wish.scopes) || row.sealed.empty()) continue;
        AC_CO_TRY(GrantTokens tokens, open(row));
        if (is_fresh(tokens)) co_return std::move(tokens.access);
        if (tokens.refresh.empty()) continue;
        AC_CO_TRY(auto renewed, co_await renew(client, row.key));
        if (renewed) co_return std::move(renewed);
    }
    co_return none;
}

Task<std::optional<SecretBytes>> Grants::renew(Client client, store::GrantKey key) {
    AC_CO_TRY(const KeyedLock::Hold hold, co_await renewals_.hold(lock_key(key)));
    const auto give_up = context_.timer.clock().steady() + 2 * context_.limits.lease_life;
    std::optional<SecretBytes> none;
    while (true) {
        auto find = [key](Transaction& tx) { return store::find_grant(tx, key); };
        AC_CO_TRY(auto row, co_await context_.database.read(std::move(find)));
        if (!row || row->sealed.empty()) co_return none;
        AC_CO_TRY(GrantTokens tokens, open(*row));
        if (is_fresh(tokens)) co_return std::move(tokens.access);
        const std::string lease = random_uuid(context_.random);
        const auto now = context_.now();
        auto take = [key, lease, now, revision = row->revision,
                     until = now + context_.limits.lease_life](Transaction& tx) {
            return store::lease_grant(tx, key, revision, lease, now, until);
        };
        AC_CO_TRY(const bool taken, co_await context_.database.write(std::move(take)));
        if (taken) co_return co_await renew_leased(std::move(client), *std::move(row), lease);
        if (context_.timer.clock().steady() > give_up)
            co_return fail(ErrorCode::unavailable,
                           "another process renews the token and has not "
                           "finished");
        AC_CO_CHECK(co_await sleep_for(context_.timer, context_.limits.lease_poll));
    }
}

// We are the only one, until the lease is over.
Task<std::optional<SecretBytes>> Grants::renew_leased(Client client, store::GrantRow row,
                                                      std::string lease) {
    AC_CO_TRY(GrantTokens tokens, open(row));
    SecretBytes used = tokens.refresh.copy();
    Parameters parameters = refresh_grant(used.view());
    auto answer = co_await ask(client, std::move(parameters));
    if (!answer && answer.error().reason == kInvalidGrant && !tokens.previous.empty()) {
        used = tokens.previous.copy();
        Parameters again = refresh_grant(used.view());
        answer = co_await ask(client, std::move(again));
    }
    std::optional<SecretBytes> none;
    if (!answer) {
        const bool is_over = answer.error().reason == kInvalidGrant;
        auto let_go = [&row, &lease, is_over](Transaction& tx) -> Result<> {
            if (is_over) return store::erase_grant(tx, row.key, row.revision);
            return store::release_grant(tx, row.key, lease);
        };
        AC_CO_CHECK(co_await context_.database.write(let_go));
        if (is_over) co_return none;
        co_return fail(std::move(answer).error());
    }
    GrantTokens renewed = tokens_from(*std::move(answer));
    if (renewed.refresh.empty()) {
        renewed.refresh = std::move(used);
        renewed.previous = std::move(tokens.previous);
    } else {
        renewed.previous = std::move(used);
    }
    ++row.revision;
    row.lease.clear();
    row.updated_at = context_.now();
    auto seal_it = [this, &row, &renewed](Transaction& tx) -> Result<std::string> {
        AC_TRY(const std::string wrapping, wrapping_key(tx, context_.keys, row.key.scope));
        return context_.vault.seal(place_of(row), to_bytes(renewed).view(), wrapping);
    };
    AC_CO_TRY(row.sealed, co_await context_.database.read(seal_it));
    AC_CO_CHECK(co_await save(std::move(row)));
    co_return std::move(renewed.access);
}

// The server may already have forgotten the old token: what came must reach the disk.
Task<> Grants::save(store::GrantRow row) {
    Result<> saved;
    for (int attempt = 0; attempt < kSaveAttempts; ++attempt) {
        auto write = [&row](Transaction& tx) -> Result<> {
            AC_TRY(const auto known, store::find_grant(tx, row.key));
            // Taken back while we asked, or renewed by who found our lease over.
            if (!known || known->revision >= row.revision) return {};
            return store::save_grant(tx, row);
        };
        saved = co_await context_.database.write(write);
        if (saved) co_return saved;
        AC_LOG(warn, "a renewed token could not be stored, trying again",
               {"provider", row.key.provider}, {"reason", saved.error().message});
        AC_CO_CHECK(co_await sleep_for(context_.timer, kSavePause));
    }
    co_return saved;
}

Task<> Grants::clear_leases() {
    auto work = [](Transaction& tx) { return store::clear_leases(tx); };
    return context_.database.write(std::move(work));
}

}  // namespace ac::identity
