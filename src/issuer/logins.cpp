#include "issuer/logins.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "net/url.h"

namespace ac::issuer {
namespace {

constexpr std::size_t kCookieLengthMin = 16;
constexpr std::size_t kParameterBytesMax = 4096;

std::string value_of(const Form& form, std::string_view name) {
    const auto found = form.find(name);
    return found == form.end() ? std::string() : found->second;
}

std::string with_query(std::string url, std::string_view name, std::string_view value) {
    url += url.find('?') == std::string::npos ? '?' : '&';
    return url + std::string(name) + "=" + percent_encode(value);
}

std::string place_of(const Pool& pool) {
    return "issuer-login/" + pool.id;
}

bool is_challenge(std::string_view text) {
    return text.size() == 43 && text.find_first_not_of(
                                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
                                    "pqrstuvwxyz0123456789-_") == text.npos;
}

}  // namespace

bool may_be_redirect_uri(std::string_view uri) {
    if (uri.empty() || uri.size() > 2048 || uri.find('#') != uri.npos) return false;
    for (const char c : uri)
        if (c <= ' ' || c == 127 || c == '"' || c == '<' || c == '>' || c == '\\') return false;
    if (uri.starts_with("https://") || uri.starts_with("http://")) {
        const auto url = net::parse_url(uri);
        return url && (url->is_secure || url->host == "localhost" || url->host == "127.0.0.1" ||
                       url->host == "::1");
    }
    // RFC 8252 7.1: a scheme of an application's own has a dot in it, as its domain has.
    const auto colon = uri.find(':');
    const std::string_view scheme = uri.substr(0, colon);
    return colon != uri.npos && scheme.find('.') != scheme.npos &&
           scheme.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-+") == scheme.npos;
}

Redirect Logins::refuse(const Pool& pool, const Request& request, std::string_view error,
                        std::string_view description) const {
    std::string url = with_query(request.redirect_uri, "error", error);
    url = with_query(url, "error_description", description);
    if (!request.state.empty()) url = with_query(url, "state", request.state);
    return {with_query(url, "iss", pool.url)};
}

Result<std::string> Logins::seal(const Pool& pool, const Request& request,
                                 std::string_view cookie) {
    const json::object ticket{
        {"client", request.client},
        {"redirectUri", request.redirect_uri},
        {"scope", request.scope},
        {"state", request.state},
        {"nonce", request.nonce},
        {"challenge", request.challenge},
        {"browser", sha256_hex(cookie)},
        {"until", to_epoch_ms(parts_.clock.wall() + parts_.limits.login_life)}};
    AC_TRY(const std::string sealed, parts_.sealer.seal(place_of(pool), json::serialize(ticket)));
    return to_base64url(sealed);
}

Result<Logins::Request> Logins::unseal(const Pool& pool, std::string_view ticket,
                                       std::string_view cookie) {
    const auto expired = [] {
        return fail(ErrorCode::invalid_argument,
                    "This login page is not valid any more. Go back to the application and start "
                    "again.");
    };
    const auto sealed = from_base64url(ticket);
    if (!sealed) return expired();
    const auto text = parts_.sealer.open(place_of(pool), *sealed);
    if (!text) return expired();
    const json::object object = json::parse(text->view()).as_object();
    const auto of = [&](std::string_view name) { return std::string(object.at(name).as_string()); };
    if (object.at("until").as_int64() <= to_epoch_ms(parts_.clock.wall()) ||
        !equal_in_constant_time(of("browser"), sha256_hex(cookie)))
        return expired();
    return Request{.client = of("client"),
                   .redirect_uri = of("redirectUri"),
                   .scope = of("scope"),
                   .state = of("state"),
                   .nonce = of("nonce"),
                   .challenge = of("challenge")};
}

Task<LoginStep> Logins::begin(Pool pool, Form query, std::string cookie) {
    if (cookie.size() < kCookieLengthMin)
        co_return fail(ErrorCode::invalid_argument, "the browser's cookie is missing");
    for (const auto& [name, value] : query)
        if (value.size() > kParameterBytesMax)
            co_return fail(ErrorCode::invalid_argument, name + " is too long");
    AC_CO_TRY(const ClientPointer client,
              co_await directory_.client(pool.id, value_of(query, "client_id")));
    if (!client)
        co_return fail(ErrorCode::invalid_argument, "This application (client_id) is unknown.");
    Request request{.client = client->id,
                    .redirect_uri = value_of(query, "redirect_uri"),
                    .scope = {},
                    .state = value_of(query, "state"),
                    .nonce = value_of(query, "nonce"),
                    .challenge = value_of(query, "code_challenge")};
    if (std::ranges::find(client->redirect_uris, request.redirect_uri) ==
        client->redirect_uris.end())
        co_return fail(ErrorCode::invalid_argument,
                       "The application's redirect_uri is not registered.");
    if (!client->may("authorization_code"))
        co_return refuse(pool, request, "unauthorized_client", "the client may not log users in");
    if (query.contains("request") || query.contains("request_uri"))
        co_return refuse(pool, request, "request_not_supported", "parameters go in the query");
    if (value_of(query, "response_type") != "code")
        co_return refuse(pool, request, "unsupported_response_type", "response_type must be code");
    if (const std::string mode = value_of(query, "response_mode"); !mode.empty() && mode != "query")
        co_return refuse(pool, request, "invalid_request", "response_mode must be query");
    if (value_of(query, "code_challenge_method") != "S256" || !is_challenge(request.challenge))
        co_return refuse(pool, request, "invalid_request",
                         "PKCE with code_challenge_method=S256 is required");
    auto scope = granted_scope(value_of(query, "scope"), client->scopes);
    if (!scope) co_return refuse(pool, request, "invalid_scope", "the client may not have that");
    request.scope = *std::move(scope);
    if (value_of(query, "prompt") == "none")
        co_return refuse(pool, request, "login_required", "nobody is logged in");
    AC_CO_TRY(std::string ticket, seal(pool, request, cookie));
    co_return LoginPage{.ticket = std::move(ticket),
                        .client_name = client->name.empty() ? client->id : client->name,
                        .message = {}};
}

Task<LoginStep> Logins::finish(Pool pool, std::string ticket, std::string cookie, std::string name,
                               std::string password) {
    AC_CO_TRY(const Request request, unseal(pool, ticket, cookie));
    AC_CO_TRY(const ClientPointer client, co_await directory_.client(pool.id, request.client));
    if (!client || std::ranges::find(client->redirect_uris, request.redirect_uri) ==
                       client->redirect_uris.end())
        co_return fail(ErrorCode::invalid_argument, "This application is unknown by now.");
    auto user = co_await directory_.log_in(pool.id, name, std::move(password));
    if (user && user->must_change_password)
        user = fail(ErrorCode::unauthenticated, "This password is temporary: it must be changed.");
    if (!user) {
        const ErrorCode code = user.error().code;
        if (code != ErrorCode::unauthenticated && code != ErrorCode::throttled)
            co_return fail(std::move(user).error());
        co_return LoginPage{.ticket = std::move(ticket),
                            .client_name = client->name.empty() ? client->id : client->name,
                            .message = user.error().message};
    }
    std::array<std::byte, 32> bytes{};
    parts_.random.fill(bytes);
    const std::string code =
        to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    const WallTime now = parts_.clock.wall();
    const Code stored{.grant = {.pool = pool.id,
                                .family = random_uuid(parts_.random),
                                .client = client->id,
                                .user = user->id,
                                .user_name = user->name,
                                .scope = request.scope,
                                .nonce = request.nonce,
                                .authenticated_at = now},
                      .redirect_uri = request.redirect_uri,
                      .challenge = request.challenge,
                      .expires_at = now + parts_.limits.code_life};
    auto write = [hash = sha256_hex(code), stored, now](storage::Transaction& tx) -> Result<> {
        AC_CHECK(store::erase_expired(tx, now));
        return store::insert_code(tx, hash, stored);
    };
    AC_CO_CHECK(co_await parts_.database.write(std::move(write)));
    std::string url = with_query(request.redirect_uri, "code", code);
    if (!request.state.empty()) url = with_query(url, "state", request.state);
    co_return Redirect{with_query(url, "iss", pool.url)};
}

}  // namespace ac::issuer
