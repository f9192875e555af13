#include "identity/consents.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "crypto/wipe.h"

namespace ac::identity {

using storage::Transaction;
using store::ConsentRow;
using store::ConsentStatus;

namespace {

constexpr std::size_t kIdLength = 43;        // 256 bits
constexpr std::size_t kStateLength = 43;     // the same
constexpr std::size_t kVerifierLength = 64;  // RFC 7636 4.1: 43 to 128

Place place_of(const ConsentRow& row) {
    return {.scope = row.grant.scope,
            .kind = "consent",
            .name = row.id,
            .user = row.grant.user.text(),
            .revision = row.revision};
}

// What waits for the callback.
struct Pending {
    std::string verifier;
    std::string custom_state;
    std::string url;
};

SecretBytes to_bytes(const Pending& pending) {
    const StackWipe wiped;
    const json::object out{
        {"verifier", pending.verifier}, {"state", pending.custom_state}, {"url", pending.url}};
    std::string text = json::serialize(out);
    SecretBytes bytes(text);
    wipe(text);
    return bytes;
}

Pending pending_from(const SecretBytes& bytes) {
    const StackWipe wiped;
    const auto object = json::parse(bytes.view()).as_object();
    const auto text = [&](std::string_view name) {
        return json::value_to<std::string>(object.at(name));
    };
    return {.verifier = text("verifier"), .custom_state = text("state"), .url = text("url")};
}

struct Document {
    std::string return_url;
    std::vector<std::string> scopes;
};

std::string to_text(const Document& document) {
    return json::serialize(json::object{{"returnUrl", document.return_url},
                                        {"scopes", json::value_from(document.scopes)}});
}

Document document_from(const std::string& text) {
    const auto object = json::parse(text).as_object();
    return {.return_url = json::value_to<std::string>(object.at("returnUrl")),
            .scopes = json::value_to<std::vector<std::string>>(object.at("scopes"))};
}

std::string id_of(std::string_view session_uri) {
    if (!session_uri.starts_with(kSessionUriHead)) return {};
    return std::string(session_uri.substr(kSessionUriHead.size()));
}

std::string hash_of(std::string_view state) {
    return sha256_hex(state);
}

bool is_clean_url(std::string_view url) {
    return std::ranges::all_of(url, [](char c) { return c > ' ' && c != '\x7f'; });
}

std::string join_scopes(std::vector<std::string> scopes) {
    std::ranges::sort(scopes);
    std::string out;
    for (const std::string& scope : scopes) out += (out.empty() ? "" : " ") + scope;
    return out;
}

std::unexpected<Error> not_under_way() {
    return fail(ErrorCode::not_found,
                "This authorization is not under way: it was used already, or its time is over");
}

// The one asked for, which must be registered; without one, the only one there is.
Result<std::string> return_url_of(const Workload& workload, const std::string& wanted) {
    const auto& registered = workload.return_urls;
    if (wanted.empty() && registered.size() == 1) return registered.front();
    if (wanted.empty())
        return fail(ErrorCode::invalid_argument,
                    "resourceOauth2ReturnUrl is required: the workload identity has not exactly "
                    "one allowedResourceOauth2ReturnUrls");
    if (std::ranges::find(registered, wanted) == registered.end() || !is_clean_url(wanted))
        return fail(ErrorCode::invalid_argument,
                    "resourceOauth2ReturnUrl is not one of the workload identity's "
                    "allowedResourceOauth2ReturnUrls");
    return wanted;
}

}  // namespace

Task<ConsentView> Consents::begin(Client client, ConsentRequest request) {
    AC_CO_TRY(const auto workload, co_await workloads_.find(client.scope, request.workload));
    AC_CO_TRY(request.return_url, return_url_of(*workload, request.return_url));
    const Provider& provider = *client.provider;
    const Vendor* const vendor = find_vendor(provider.oauth.vendor);
    AC_ASSERT(vendor != nullptr);
    AC_CO_TRY(const ServerMetadata server, co_await servers_.find(provider.oauth));
    if (server.authorization_endpoint.empty())
        co_return fail(ErrorCode::invalid_argument,
                       "The authorization server has no authorization endpoint");
    // Downgrade: who does not take S256 is not asked without it.
    if (vendor->pkce == Pkce::s256 && !server.challenge_methods.empty() &&
        std::ranges::find(server.challenge_methods, "S256") == server.challenge_methods.end())
        co_return fail(ErrorCode::unavailable, "The authorization server does not take PKCE S256");
    const AuthorizationRequest authorization{
        .redirect_uri = providers_.callback_url(provider),
        .state = random_alphanumeric(context_.random, kStateLength),
        .verifier = vendor->pkce == Pkce::s256
                        ? random_alphanumeric(context_.random, kVerifierLength)
                        : std::string(),
        .custom_parameters = std::move(request.custom_parameters)};
    Pending pending{.verifier = authorization.verifier,
                    .custom_state = std::move(request.custom_state),
                    .url = {}};
    pending.url = authorization_url(server, *vendor, provider.oauth, request.wish, authorization);
    const Document document{.return_url = request.return_url, .scopes = request.wish.scopes};
    ConsentRow row{.id = random_alphanumeric(context_.random, kIdLength),
                   .state = hash_of(authorization.state),
                   .grant = {.scope = client.scope,
                             .workload = request.workload,
                             .user = request.user,
                             .provider = provider.name,
                             .slot = Grants::user_slot(request.wish)},
                   .document = to_text(document),
                   .sealed = {},
                   .revision = 1,
                   .status = ConsentStatus::pending,
                   .expires_at = context_.now() + context_.limits.consent_life};
    auto insert = [this, &row, &pending](Transaction& tx) -> Result<> {
        AC_TRY(const auto count, store::count_consents(tx, row.grant.scope));
        if (count >= static_cast<std::int64_t>(context_.limits.consents_max))
            return fail(ErrorCode::throttled, "Too many authorizations are under way");
        AC_TRY(const std::string key, wrapping_key(tx, context_.keys, row.grant.scope));
        row.sealed = context_.vault.seal(place_of(row), to_bytes(pending).view(), key);
        return store::insert_consent(tx, row);
    };
    AC_CO_CHECK(co_await context_.database.write(insert));
    co_return ConsentView{.session_uri = std::string(kSessionUriHead) + row.id,
                          .authorization_url = std::move(pending.url)};
}

Task<std::optional<ConsentView>> Consents::look(Client client, std::string session_uri,
                                                std::string workload, UserKey user) {
    auto find = [id = id_of(session_uri)](Transaction& tx) { return store::find_consent(tx, id); };
    AC_CO_TRY(const auto row, co_await context_.database.read(std::move(find)));
    std::optional<ConsentView> none;
    if (!row || row->expires_at <= context_.now()) co_return none;
    const auto& grant = row->grant;
    if (grant.scope != client.scope || grant.workload != workload || grant.user != user ||
        grant.provider != client.provider->name)
        co_return none;
    ConsentView view{.session_uri = std::move(session_uri),
                     .authorization_url = {},
                     .failed = row->status == ConsentStatus::failed};
    if (row->status == ConsentStatus::pending) {
        AC_CO_TRY(const SecretBytes bytes, context_.vault.open(place_of(*row), row->sealed));
        view.authorization_url = pending_from(bytes).url;
    }
    co_return view;
}

// Mix-up (RFC 9207): an answer that names its issuer names ours; a server that promised to name it
// does. Each provider has a callback URL of its own besides.
Result<> Consents::check_issuer(const ServerMetadata& server, const CallbackQuery& query) const {
    const bool is_missing = !query.has_issuer && server.names_issuer;
    const bool is_other = query.has_issuer && query.issuer != server.issuer;
    if (is_missing || is_other)
        return fail(ErrorCode::permission_denied,
                    "The answer comes from another authorization server than was asked");
    return {};
}

Task<std::string> Consents::callback(std::string callback_id, CallbackQuery query) {
    AC_CO_TRY(auto placed, co_await providers_.find_by_callback(std::move(callback_id)));
    auto find = [state = hash_of(query.state)](Transaction& tx) {
        return store::find_consent_by_state(tx, state);
    };
    AC_CO_TRY(auto row, co_await context_.database.read(std::move(find)));
    if (!row || row->status != ConsentStatus::pending || row->expires_at <= context_.now() ||
        row->grant.scope != placed.scope || row->grant.provider != placed.provider.name)
        co_return not_under_way();
    AC_CO_TRY(const SecretBytes bytes, context_.vault.open(place_of(*row), row->sealed));
    const Pending pending = pending_from(bytes);
    const Document document = document_from(row->document);
    // The workload's list may have changed since the request began.
    AC_CO_TRY(const auto workload, co_await workloads_.find(placed.scope, row->grant.workload));
    if (std::ranges::find(workload->return_urls, document.return_url) ==
        workload->return_urls.end())
        co_return not_under_way();
    const Client client{.scope = placed.scope,
                        .provider = std::make_shared<const Provider>(std::move(placed.provider))};
    AC_CO_TRY(const ServerMetadata server, co_await servers_.find(client.provider->oauth));
    AC_CO_CHECK(check_issuer(server, query));
    // Only one callback goes on from here: a code that is shown twice finds no pending consent.
    ConsentRow taken = *row;
    taken.status = ConsentStatus::exchanging;
    auto take = [&taken](Transaction& tx) {
        return store::move_consent(tx, taken, ConsentStatus::pending);
    };
    AC_CO_TRY(const bool is_ours, co_await context_.database.write(take));
    if (!is_ours) co_return not_under_way();
    if (!query.error.empty() || query.code.empty()) {
        AC_CO_CHECK(co_await fail_consent(taken, ConsentStatus::exchanging));
    } else if (const auto exchanged = co_await exchange(client, taken, query); !exchanged) {
        AC_CO_CHECK(co_await fail_consent(taken, ConsentStatus::exchanging));
    }
    Parameters parameters = {{"session_id", std::string(kSessionUriHead) + row->id}};
    if (!pending.custom_state.empty()) parameters.push_back({"state", pending.custom_state});
    co_return with_query(document.return_url, parameters);
}

Task<> Consents::exchange(Client client, ConsentRow& row, const CallbackQuery& query) {
    AC_CO_TRY(const SecretBytes bytes, context_.vault.open(place_of(row), row.sealed));
    const Pending pending = pending_from(bytes);
    Parameters parameters =
        code_grant(query.code, providers_.callback_url(*client.provider), pending.verifier);
    AC_CO_TRY(TokenAnswer answer, co_await grants_.ask(client, std::move(parameters)));
    const GrantTokens tokens = grants_.tokens_from(std::move(answer));
    ConsentRow next = row;
    next.status = ConsentStatus::authorized;
    ++next.revision;
    auto store_tokens = [this, &next, &tokens](Transaction& tx) -> Result<bool> {
        AC_TRY(const std::string key, wrapping_key(tx, context_.keys, next.grant.scope));
        next.sealed = context_.vault.seal(place_of(next), to_bytes(tokens).view(), key);
        return store::move_consent(tx, next, ConsentStatus::exchanging);
    };
    AC_CO_TRY(const bool moved, co_await context_.database.write(store_tokens));
    if (!moved) co_return not_under_way();
    co_return Result<>{};
}

Task<> Consents::fail_consent(ConsentRow row, ConsentStatus before) {
    row.status = ConsentStatus::failed;
    row.sealed.clear();
    auto move = [&row, before](Transaction& tx) { return store::move_consent(tx, row, before); };
    AC_CO_CHECK(co_await context_.database.write(move));
    co_return Result<>{};
}

Task<> Consents::complete(Caller caller, std::string session_uri, UserKey user) {
    const auto now = context_.now();
    std::string workload;
    std::string provider;
    auto work = [&, id = id_of(session_uri)](Transaction& tx) -> Result<> {
        AC_TRY(const auto row, store::find_consent(tx, id));
        if (!row || row->expires_at <= now || row->grant.scope != caller.scope)
            return not_under_way();
        workload = row->grant.workload;
        provider = row->grant.provider;
        if (row->grant.user != user)
            return fail(ErrorCode::permission_denied,
                        "The session was begun for another user than the one named");
        if (row->status == ConsentStatus::failed)
            return fail(ErrorCode::invalid_argument,
                        "The user or the authorization server "
                        "refused");
        if (row->status != ConsentStatus::authorized)
            return fail(ErrorCode::invalid_argument, "The user has not consented yet");
        AC_TRY(const SecretBytes bytes, context_.vault.open(place_of(*row), row->sealed));
        AC_TRY(const GrantTokens tokens, grant_tokens_from(bytes));
        const Document document = document_from(row->document);
        AC_CHECK(grants_.keep(tx, row->grant, join_scopes(document.scopes), tokens));
        return store::erase_consent(tx, id);
    };
    const auto done = co_await context_.database.write(work);
    AuditEntry entry{.operation = "CompleteResourceTokenAuth",
                     .workload = workload,
                     .user = user.text(),
                     .provider = provider};
    if (!done) entry.result = to_string(done.error().code);
    AC_CO_CHECK(co_await context_.audit.append(caller, std::move(entry), now));
    co_return done;
}

}  // namespace ac::identity
