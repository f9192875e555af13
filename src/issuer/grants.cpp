#include "issuer/grants.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "crypto/jwt.h"

namespace ac::issuer {
namespace {

constexpr std::string_view kExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
constexpr std::string_view kTokenTypes = "urn:ietf:params:oauth:token-type:";

std::string value_of(const Form& form, std::string_view name) {
    const auto found = form.find(name);
    return found == form.end() ? std::string() : found->second;
}

std::int64_t seconds(WallTime time) {
    return to_epoch_ms(time) / 1000;
}

std::vector<std::string> words_of(std::string_view text) {
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (end > 0) out.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

// RFC 8707 as far as a client's own list allows it; without a wish, the whole list.
Result<std::vector<std::string>> audience_of(const Client& client, const Form& form) {
    std::string wanted = value_of(form, "resource");
    if (wanted.empty()) wanted = value_of(form, "audience");
    if (wanted.empty()) return client.audiences;
    if (std::ranges::find(client.audiences, wanted) == client.audiences.end())
        return oauth_error("invalid_target", "the client may not ask for that resource");
    return std::vector<std::string>{wanted};
}

}  // namespace

bool has_word(std::string_view words, std::string_view word) {
    const auto list = words_of(words);
    return std::ranges::find(list, word) != list.end();
}

std::optional<std::string> granted_scope(std::string_view wanted,
                                         const std::vector<std::string>& allowed) {
    std::vector<std::string> words = words_of(wanted);
    if (words.empty()) words = allowed;
    std::string out;
    for (const std::string& word : words) {
        if (std::ranges::find(allowed, word) == allowed.end()) return std::nullopt;
        if (!has_word(out, word)) out += (out.empty() ? "" : " ") + word;
    }
    return out;
}

std::string Grants::new_secret() {
    std::array<std::byte, 32> bytes{};
    parts_.random.fill(bytes);
    return to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Task<ClientPointer> Grants::authenticate(const Pool& pool, ClientProof proof) {
    AC_CO_TRY(ClientPointer client, co_await directory_.client(pool.id, proof.id));
    // An unknown client costs the same hash.
    const std::string given = sha256_hex(proof.secret.value_or(""));
    if (!client)
        co_return oauth_error("invalid_client", "the client is unknown or its secret wrong");
    if (client->secret_hash.empty()) {
        if (proof.secret && !proof.secret->empty())
            co_return oauth_error("invalid_client", "the client has no secret");
        co_return client;
    }
    if (!proof.secret || !equal_in_constant_time(given, client->secret_hash))
        co_return oauth_error("invalid_client", "the client is unknown or its secret wrong");
    co_return client;
}

Task<json::object> Grants::grant(Pool pool, ClientProof proof, Form form) {
    const std::string type = value_of(form, "grant_type");
    if (type.empty()) co_return oauth_error("invalid_request", "grant_type is missing");
    AC_CO_TRY(ClientPointer client, co_await authenticate(pool, std::move(proof)));
    if (type != "client_credentials" && type != "authorization_code" && type != "refresh_token" &&
        type != kExchange)
        co_return oauth_error("unsupported_grant_type", "that grant is not supported");
    const bool is_refresh = type == "refresh_token";
    if (!client->may(is_refresh ? "authorization_code" : std::string_view(type)))
        co_return oauth_error("unauthorized_client", "the client may not use that grant");
    if (type == "client_credentials")
        co_return co_await client_credentials(pool, *client, std::move(form));
    if (type == "authorization_code") co_return co_await redeem_code(pool, client, std::move(form));
    if (is_refresh)
        co_return co_await refresh(pool, client, value_of(form, "refresh_token"),
                                   value_of(form, "scope"));
    co_return co_await exchange(pool, *client, std::move(form));
}

std::string Grants::access_token(const Pool& pool, const Client& client, const KeySet& keys,
                                 Subject subject) {
    const WallTime now = parts_.clock.wall();
    json::object claims = std::move(subject.more);
    claims["iss"] = pool.url;
    claims["sub"] = subject.id;
    claims["client_id"] = client.id;
    claims["token_use"] = "access";
    claims["scope"] = subject.scope;
    claims["iat"] = seconds(now);
    claims["exp"] = seconds(now + client.access_life);
    claims["jti"] = random_uuid(parts_.random);
    if (pool.is_cognito()) claims["version"] = 2;
    if (!claims.contains("auth_time")) claims["auth_time"] = seconds(now);
    if (!subject.family.empty()) claims["origin_jti"] = subject.family;
    if (!subject.user_name.empty()) claims["username"] = subject.user_name;
    if (subject.audience.size() == 1)
        claims["aud"] = subject.audience.front();
    else if (!subject.audience.empty())
        claims["aud"] = json::value_from(subject.audience);
    const SigningKey& signer = keys.signer();
    return sign_jwt(claims, {.key = signer.key,
                             .algorithm = signer.algorithm,
                             .key_id = signer.id,
                             .type = pool.is_cognito() ? "JWT" : "at+jwt"});
}

std::string Grants::id_token(const Pool& pool, const Client& client, const KeySet& keys,
                             const Grant& grant, const std::optional<User>& user) {
    const WallTime now = parts_.clock.wall();
    json::object claims = user ? user->attributes : json::object();
    claims["iss"] = pool.url;
    claims["sub"] = grant.user;
    claims["aud"] = client.id;
    claims["token_use"] = "id";
    claims["iat"] = seconds(now);
    claims["exp"] = seconds(now + client.access_life);
    claims["auth_time"] = seconds(grant.authenticated_at);
    claims[pool.is_cognito() ? "cognito:username" : "preferred_username"] = grant.user_name;
    if (!grant.nonce.empty()) claims["nonce"] = grant.nonce;
    const SigningKey& signer = keys.signer();
    return sign_jwt(claims,
                    {.key = signer.key, .algorithm = signer.algorithm, .key_id = signer.id});
}

Task<json::object> Grants::client_credentials(const Pool& pool, const Client& client, Form form) {
    if (client.secret_hash.empty())
        co_return oauth_error("unauthorized_client", "a client without a secret may not do that");
    AC_CO_TRY(auto audience, audience_of(client, form));
    auto scope = granted_scope(value_of(form, "scope"), client.scopes);
    if (!scope) co_return oauth_error("invalid_scope", "the client may not have that scope");
    AC_CO_TRY(const KeySetPointer keys, co_await keys_.of(pool));
    Subject subject{.id = client.id, .scope = *std::move(scope), .audience = std::move(audience)};
    json::object out;
    const std::string granted = subject.scope;
    out["access_token"] = access_token(pool, client, *keys, std::move(subject));
    out["expires_in"] = client.access_life.count();
    out["token_type"] = "Bearer";
    if (!granted.empty()) out["scope"] = granted;
    co_return out;
}

// The tokens of a user's grant; `refresh_token` has been stored.
Task<json::object> Grants::answer(const Pool& pool, const Client& client, Grant grant,
                                  std::string refresh_token) {
    AC_CO_TRY(const KeySetPointer keys, co_await keys_.of(pool));
    AC_CO_TRY(const auto user, co_await directory_.user_by_id(pool.id, grant.user));
    if (!user) co_return oauth_error("invalid_grant", "the user is gone");
    Subject subject{.id = grant.user,
                    .scope = grant.scope,
                    .family = grant.family,
                    .user_name = grant.user_name,
                    .audience = client.audiences};
    subject.more["auth_time"] = seconds(grant.authenticated_at);
    json::object out;
    out["access_token"] = access_token(pool, client, *keys, std::move(subject));
    if (has_word(grant.scope, "openid"))
        out["id_token"] = id_token(pool, client, *keys, grant, user);
    if (!refresh_token.empty()) out["refresh_token"] = std::move(refresh_token);
    out["expires_in"] = client.access_life.count();
    out["token_type"] = "Bearer";
    if (!grant.scope.empty()) out["scope"] = grant.scope;
    co_return out;
}

// RFC 6749 4.1.3 with RFC 7636: the code is of this client, for this redirect URI, once.
Task<json::object> Grants::redeem_code(const Pool& pool, ClientPointer client, Form form) {
    const std::string hash = sha256_hex(value_of(form, "code"));
    const WallTime now = parts_.clock.wall();
    const std::string secret = new_secret();
    auto write = [=, refresh_hash = sha256_hex(secret), id = pool.id,
                  verifier = value_of(form, "code_verifier"), uri = value_of(form, "redirect_uri")](
                     storage::Transaction& tx) -> Result<std::optional<Grant>> {
        AC_TRY(auto code, store::take_code(tx, hash, now));
        if (!code || code->grant.family.empty() || code->expires_at <= now) return std::nullopt;
        const bool is_due =
            code->grant.pool == id && code->grant.client == client->id &&
            code->redirect_uri == uri && verifier.size() >= 43 && verifier.size() <= 128 &&
            equal_in_constant_time(to_base64url(as_text(sha256(verifier))), code->challenge);
        if (!is_due) return std::nullopt;
        AC_CHECK(store::insert_refresh(
            tx, refresh_hash, {.grant = code->grant, .expires_at = now + client->refresh_life}));
        return code->grant;
    };
    AC_CO_TRY(auto grant, co_await parts_.database.write(std::move(write)));
    if (!grant) co_return oauth_error("invalid_grant", "the code is not valid");
    co_return co_await answer(pool, *client, *std::move(grant), secret);
}

Task<json::object> Grants::grant_user(Pool pool, ClientPointer client, User user,
                                      std::string scope) {
    const WallTime now = parts_.clock.wall();
    const std::string secret = new_secret();
    Grant grant{.pool = pool.id,
                .family = random_uuid(parts_.random),
                .client = client->id,
                .user = user.id,
                .user_name = user.name,
                .scope = std::move(scope),
                .authenticated_at = now};
    auto write = [grant, hash = sha256_hex(secret),
                  until = now + client->refresh_life](storage::Transaction& tx) {
        return store::insert_refresh(tx, hash, {.grant = grant, .expires_at = until});
    };
    AC_CO_CHECK(co_await parts_.database.write(std::move(write)));
    co_return co_await answer(pool, *client, std::move(grant), secret);
}

// RFC 9700 4.14.2: each refresh token is used once; a second use ends the whole family, because
// either of the two who had it is a thief.
Task<json::object> Grants::refresh(Pool pool, ClientPointer client, std::string token,
                                   std::string scope) {
    const std::string hash = sha256_hex(token);
    const WallTime now = parts_.clock.wall();
    const std::string secret = new_secret();
    auto write = [=, next = sha256_hex(secret),
                  id = pool.id](storage::Transaction& tx) -> Result<std::optional<Grant>> {
        AC_TRY(auto known, store::find_refresh(tx, hash));
        if (!known || known->grant.pool != id || known->grant.client != client->id ||
            known->expires_at <= now)
            return std::nullopt;
        AC_TRY(const bool is_first, store::use_refresh(tx, hash, now));
        if (!is_first) {
            AC_CHECK(store::end_family(tx, id, known->grant.family));
            return std::nullopt;
        }
        RefreshToken fresh{.grant = known->grant, .expires_at = known->expires_at};
        AC_CHECK(store::insert_refresh(tx, next, fresh));
        return known->grant;
    };
    AC_CO_TRY(auto grant, co_await parts_.database.write(std::move(write)));
    if (!grant) co_return oauth_error("invalid_grant", "the refresh token is not valid");
    grant->nonce.clear();  // it was for the login
    if (!scope.empty()) {
        auto narrowed = granted_scope(scope, words_of(grant->scope));
        if (!narrowed) co_return oauth_error("invalid_scope", "the user did not grant that scope");
        grant->scope = *std::move(narrowed);
    }
    co_return co_await answer(pool, *client, *std::move(grant), secret);
}

Task<std::optional<Grant>> Grants::grant_behind(std::string refresh_token) {
    auto read = [hash = sha256_hex(refresh_token)](storage::Transaction& tx) {
        return store::find_refresh(tx, hash);
    };
    AC_CO_TRY(auto found, co_await parts_.database.read(std::move(read)));
    if (!found) co_return std::nullopt;
    co_return std::move(found->grant);
}

// The claims of one of our own tokens.
Task<json::object> Grants::claims_of(const Pool& pool, std::string token) {
    auto jwt = parse_jwt(token);
    if (!jwt) co_return oauth_error("invalid_token", jwt.error().message);
    AC_CO_TRY(const KeySetPointer keys, co_await keys_.of(pool));
    Result<> checked = verify_signature(*jwt, keys->published);
    if (checked) checked = check_times(jwt->claims, parts_.clock.wall(), Seconds{0});
    if (checked && text_claim(jwt->claims, "iss") != std::string_view(pool.url))
        checked = fail(ErrorCode::unauthenticated, "the token is of another issuer");
    if (!checked) co_return oauth_error("invalid_token", checked.error().message);
    if (const auto family = text_claim(jwt->claims, "origin_jti")) {
        auto read = [id = pool.id, family = std::string(*family)](storage::Transaction& tx) {
            return store::family_is_alive(tx, id, family);
        };
        AC_CO_TRY(const bool is_alive, co_await parts_.database.read(std::move(read)));
        if (!is_alive) co_return oauth_error("invalid_token", "the token has been revoked");
    }
    co_return std::move(jwt->claims);
}

// RFC 8693, as far as a client calls on behalf of a user: the subject stays, the client becomes the
// actor, the scope does not grow.
Task<json::object> Grants::exchange(const Pool& pool, const Client& client, Form form) {
    const std::string type = value_of(form, "subject_token_type");
    if (type != std::string(kTokenTypes) + "access_token" &&
        type != std::string(kTokenTypes) + "jwt")
        co_return oauth_error("invalid_request", "subject_token_type is not supported");
    if (form.contains("actor_token"))
        co_return oauth_error("invalid_request", "actor_token is not supported");
    auto claims = co_await claims_of(pool, value_of(form, "subject_token"));
    if (!claims || text_claim(*claims, "token_use") != "access")
        co_return oauth_error("invalid_grant", "the subject token is not valid");
    AC_CO_TRY(auto audience, audience_of(client, form));
    std::vector<std::string> allowed;
    for (std::string& word : words_of(text_claim(*claims, "scope").value_or("")))
        if (std::ranges::find(client.scopes, word) != client.scopes.end())
            allowed.push_back(std::move(word));
    auto scope = granted_scope(value_of(form, "scope"), allowed);
    if (!scope) co_return oauth_error("invalid_scope", "the subject did not have that scope");
    AC_CO_TRY(const KeySetPointer keys, co_await keys_.of(pool));
    Subject subject{.id = std::string(text_claim(*claims, "sub").value_or("")),
                    .scope = *std::move(scope),
                    .family = std::string(text_claim(*claims, "origin_jti").value_or("")),
                    .user_name = std::string(text_claim(*claims, "username").value_or("")),
                    .audience = std::move(audience)};
    json::object actor;
    actor["sub"] = client.id;
    if (claims->contains("act")) actor["act"] = claims->at("act");
    subject.more["act"] = std::move(actor);
    json::object out;
    if (!subject.scope.empty()) out["scope"] = subject.scope;
    out["access_token"] = access_token(pool, client, *keys, std::move(subject));
    out["issued_token_type"] = std::string(kTokenTypes) + "access_token";
    out["expires_in"] = client.access_life.count();
    out["token_type"] = "Bearer";
    co_return out;
}

Task<> Grants::revoke(Pool pool, ClientProof proof, std::string token) {
    AC_CO_TRY(const ClientPointer client, co_await authenticate(pool, std::move(proof)));
    std::string family;
    if (auto claims = co_await claims_of(pool, token);
        claims && text_claim(*claims, "client_id") == std::string_view(client->id))
        family = text_claim(*claims, "origin_jti").value_or("");
    auto write = [id = pool.id, hash = sha256_hex(token), client,
                  family](storage::Transaction& tx) -> Result<> {
        if (!family.empty()) return store::end_family(tx, id, family);
        AC_TRY(const auto known, store::find_refresh(tx, hash));
        if (!known || known->grant.pool != id || known->grant.client != client->id) return {};
        return store::end_family(tx, id, known->grant.family);
    };
    co_return co_await parts_.database.write(std::move(write));
}

Task<json::object> Grants::user_information(Pool pool, std::string token) {
    AC_CO_TRY(const json::object claims, co_await claims_of(pool, std::move(token)));
    if (text_claim(claims, "token_use") != "access")
        co_return oauth_error("invalid_token", "this is no access token");
    if (!has_word(text_claim(claims, "scope").value_or(""), "openid"))
        co_return oauth_error("insufficient_scope", "the token has no scope openid");
    const std::string id(text_claim(claims, "sub").value_or(""));
    AC_CO_TRY(const auto user, co_await directory_.user_by_id(pool.id, id));
    if (!user) co_return oauth_error("invalid_token", "the user is gone");
    json::object out = user->attributes;
    out["sub"] = user->id;
    out["username"] = user->name;
    if (!pool.is_cognito()) out["preferred_username"] = user->name;
    co_return out;
}

}  // namespace ac::issuer
