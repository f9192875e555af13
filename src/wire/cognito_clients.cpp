#include <algorithm>
#include <array>

#include "wire/cognito_call.h"

namespace ac::wire::cognito {
namespace {

using issuer::Client;

json::object client_output(const Client& client, std::string_view secret) {
    json::object out = client.document;
    out.erase("GenerateSecret");
    out["ClientId"] = client.id;
    out["ClientName"] = client.name;
    out["UserPoolId"] = client.pool;
    out["CreationDate"] = epoch_seconds(client.created_at);
    out["LastModifiedDate"] = epoch_seconds(client.created_at);
    if (!secret.empty()) out["ClientSecret"] = secret;
    return out;
}

bool is_standard_scope(std::string_view scope) {
    constexpr std::array<std::string_view, 5> kStandard = {"openid", "email", "phone", "profile",
                                                           "aws.cognito.signin.user.admin"};
    return std::ranges::find(kStandard, scope) != kStandard.end();
}

// "identifier/scope" of a resource server of the pool.
Task<> check_scope(Issuer& issuer, const Pool& pool, const std::string& scope) {
    if (is_standard_scope(scope)) co_return Result<>{};
    const auto slash = scope.rfind('/');
    if (slash != scope.npos) {
        AC_CO_TRY(const auto server,
                  co_await issuer.directory().resource_server(pool.id, scope.substr(0, slash)));
        if (server) {
            const json::value document = json::parse(*server);
            const json::value* scopes = document.as_object().if_contains("Scopes");
            if (scopes != nullptr && scopes->is_array()) {
                for (const json::value& one : scopes->get_array())
                    if (one.is_object() &&
                        text_in(one.get_object(), "ScopeName") == scope.substr(slash + 1))
                        co_return Result<>{};
            }
        }
    }
    co_return fail({.code = ErrorCode::invalid_argument,
                    .message = "Invalid scope requested: " + scope,
                    .reason = "ScopeDoesNotExistException"});
}

// Cognito counts lives in units that the input names; hours for access and id tokens otherwise.
Result<Seconds> life_in(const json::object& input, std::string_view name,
                        std::string_view unit_name, std::int64_t unit_default, Seconds fallback) {
    const json::value* value = input.if_contains(name);
    if (value == nullptr) return fallback;
    std::int64_t unit = unit_default;
    if (const json::value* units = input.if_contains("TokenValidityUnits");
        units != nullptr && units->is_object()) {
        const std::string word = text_in(units->get_object(), unit_name);
        if (word == "seconds") unit = 1;
        if (word == "minutes") unit = 60;
        if (word == "hours") unit = 3600;
        if (word == "days") unit = 86'400;
    }
    constexpr std::int64_t kYears = 10LL * 365 * 86'400;
    const std::int64_t count = value->is_int64() ? value->get_int64() : 0;
    if (count < 1 || count > kYears / unit) return invalid(std::string(name) + " is out of range");
    return Seconds{count * unit};
}

Result<Client> client_from(const Pool& pool, const json::object& input) {
    Client client{.pool = pool.id};
    AC_TRY(client.name, required(input, "ClientName"));
    client.redirect_uris = list_in(input, "CallbackURLs");
    for (const std::string& uri : client.redirect_uris)
        if (!issuer::may_be_redirect_uri(uri)) return invalid("Invalid callback URL: " + uri);
    client.scopes = list_in(input, "AllowedOAuthScopes");
    for (const std::string& flow : list_in(input, "AllowedOAuthFlows")) {
        if (flow == "implicit") return invalid("The implicit flow is not supported: use code");
        client.grants.push_back(flow == "code" ? "authorization_code" : flow);
    }
    if (client.may("client_credentials") && client.may("authorization_code"))
        return invalid("client_credentials flow can not be selected along with code flow");
    for (const std::string& flow : list_in(input, "ExplicitAuthFlows"))
        client.grants.push_back(flow.starts_with("ALLOW_") ? flow : "ALLOW_" + flow);
    AC_TRY(client.access_life,
           life_in(input, "AccessTokenValidity", "AccessToken", 3600, client.access_life));
    AC_TRY(client.refresh_life,
           life_in(input, "RefreshTokenValidity", "RefreshToken", 86'400, client.refresh_life));
    client.document = input;
    return client;
}

Task<json::object> create_client(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    AC_CO_TRY(Client wanted, client_from(pool, call.input));
    for (const std::string& scope : wanted.scopes) {
        AC_CO_CHECK(co_await check_scope(call.issuer, pool, scope));
    }
    const json::value* generate = call.input.if_contains("GenerateSecret");
    const bool has_secret = generate != nullptr && generate->is_bool() && generate->get_bool();
    if (!has_secret && wanted.may("client_credentials"))
        co_return invalid(
            "client_credentials flow can not be selected if client does not have a "
            "client secret.");
    using Secret = issuer::Directory::Secret;
    AC_CO_TRY(const auto made,
              co_await call.issuer.directory().create_client(
                  std::move(wanted), has_secret ? Secret::generate : Secret::none));
    json::object out;
    out["UserPoolClient"] = client_output(made.client, made.secret);
    co_return out;
}

Task<json::object> describe_client(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    AC_CO_TRY(const auto client, co_await client_of(call, pool));
    AC_CO_TRY(const SecretBytes secret, call.issuer.directory().secret_of(*client));
    json::object out;
    out["UserPoolClient"] = client_output(*client, secret.view());
    co_return out;
}

Task<json::object> delete_client(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    AC_CO_TRY(std::string id, required(call.input, "ClientId"));
    AC_CO_CHECK(co_await call.issuer.directory().remove_client(pool.id, std::move(id)));
    co_return json::object();
}

Task<json::object> list_clients(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    AC_CO_TRY(const auto clients, co_await call.issuer.directory().clients(pool.id));
    json::array list;
    for (const Client& client : clients)
        list.push_back(json::object{
            {"ClientId", client.id}, {"ClientName", client.name}, {"UserPoolId", pool.id}});
    json::object out;
    out["UserPoolClients"] = std::move(list);
    co_return out;
}

constexpr std::array<NamedOperation, 4> kOperations = {{
    {"CreateUserPoolClient", create_client},
    {"DescribeUserPoolClient", describe_client},
    {"DeleteUserPoolClient", delete_client},
    {"ListUserPoolClients", list_clients},
}};

}  // namespace

std::span<const NamedOperation> client_operations() {
    return kOperations;
}

Task<issuer::ClientPointer> client_of(const Call& call, const Pool& pool) {
    AC_CO_TRY(std::string id, required(call.input, "ClientId"));
    AC_CO_TRY(auto client, co_await call.issuer.directory().client(pool.id, id));
    if (!client)
        co_return fail(ErrorCode::not_found, "User pool client " + id + " does not exist.");
    co_return client;
}

}  // namespace ac::wire::cognito
