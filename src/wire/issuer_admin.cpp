#include "wire/issuer_admin.h"

#include <algorithm>
#include <boost/json.hpp>

#include "wire/json_text.h"

namespace ac::wire {
namespace {

using issuer::Client;
using issuer::Issuer;
using issuer::User;

constexpr std::size_t kBodyBytesMax = 64 * 1024;

std::string text_in(const json::object& input, std::string_view name) {
    const json::value* value = input.if_contains(name);
    if (value == nullptr || !value->is_string()) return {};
    return std::string(value->get_string());
}

std::vector<std::string> list_in(const json::object& input, std::string_view name) {
    std::vector<std::string> out;
    const json::value* value = input.if_contains(name);
    if (value == nullptr || !value->is_array()) return out;
    for (const json::value& item : value->get_array())
        if (item.is_string()) out.emplace_back(item.get_string());
    return out;
}

std::unexpected<Error> invalid(std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
}

Task<json::object> body_of(net::Body& body) {
    AC_CO_TRY(const std::string text, co_await net::read_all(body, kBodyBytesMax));
    AC_CO_TRY(json::value value, parse_json(text));
    if (!value.is_object()) co_return invalid("want a JSON object");
    co_return std::move(value.get_object());
}

Task<> answer(net::Exchange& exchange, int status, json::object output) {
    net::Response response{.status = status, .headers = {}, .body = json::serialize(output)};
    response.headers.add("Content-Type", "application/json");
    co_return co_await exchange.respond(std::move(response));
}

json::object client_output(const Client& client) {
    return {{"clientId", client.id},
            {"name", client.name},
            {"public", client.secret_hash.empty()},
            {"grants", json::value_from(client.grants)},
            {"redirectUris", json::value_from(client.redirect_uris)},
            {"scopes", json::value_from(client.scopes)},
            {"audiences", json::value_from(client.audiences)}};
}

Task<> describe(Issuer& issuer, net::Exchange& exchange) {
    AC_CO_TRY(const auto pool, co_await issuer.directory().pool(std::string(issuer::kDefaultPool)));
    json::object out;
    out["issuer"] = pool.url;
    out["discoveryUrl"] = pool.url + "/.well-known/openid-configuration";
    co_return co_await answer(exchange, 200, std::move(out));
}

Result<Client> client_from(const json::object& input) {
    Client client{.pool = std::string(issuer::kDefaultPool),
                  .id = text_in(input, "clientId"),
                  .name = text_in(input, "name"),
                  .redirect_uris = list_in(input, "redirectUris"),
                  .scopes = list_in(input, "scopes"),
                  .audiences = list_in(input, "audiences"),
                  .grants = list_in(input, "grants")};
    if (client.id.size() > 128) return invalid("clientId is too long");
    for (const std::string& grant : client.grants)
        if (grant != "client_credentials" && grant != "authorization_code" &&
            grant != "urn:ietf:params:oauth:grant-type:token-exchange")
            return invalid("unknown grant: " + grant);
    if (client.grants.empty()) return invalid("grants is required");
    for (const std::string& uri : client.redirect_uris)
        if (!issuer::may_be_redirect_uri(uri))
            return invalid("not a redirect URI that can be allowed: " + uri);
    if (client.may("authorization_code") && client.redirect_uris.empty())
        return invalid("a client for logins needs redirectUris");
    if (const json::value* life = input.if_contains("accessTokenSeconds")) {
        if (!life->is_int64() || life->get_int64() < 60 || life->get_int64() > 86'400)
            return invalid("accessTokenSeconds is from 60 to 86400");
        client.access_life = Seconds{life->get_int64()};
    }
    return client;
}

Task<> create_client(Issuer& issuer, net::Exchange& exchange, net::Body& body) {
    AC_CO_TRY(const json::object input, co_await body_of(body));
    AC_CO_TRY(Client wanted, client_from(input));
    using Secret = issuer::Directory::Secret;
    const json::value* open = input.if_contains("public");
    const bool is_public = open != nullptr && open->is_bool() && open->get_bool();
    AC_CO_TRY(const auto made, co_await issuer.directory().create_client(
                                   std::move(wanted), is_public ? Secret::none : Secret::generate));
    json::object out = client_output(made.client);
    if (!made.secret.empty()) out["clientSecret"] = made.secret;
    co_return co_await answer(exchange, 201, std::move(out));
}

Task<> list_clients(Issuer& issuer, net::Exchange& exchange) {
    AC_CO_TRY(const auto clients,
              co_await issuer.directory().clients(std::string(issuer::kDefaultPool)));
    json::array list;
    for (const Client& client : clients) list.push_back(client_output(client));
    json::object out;
    out["clients"] = std::move(list);
    co_return co_await answer(exchange, 200, std::move(out));
}

Task<> create_user(Issuer& issuer, net::Exchange& exchange, net::Body& body) {
    AC_CO_TRY(const json::object input, co_await body_of(body));
    User wanted{.pool = std::string(issuer::kDefaultPool), .name = text_in(input, "name")};
    std::string password = text_in(input, "password");
    if (wanted.name.empty() || wanted.name.size() > 128) co_return invalid("name is required");
    if (password.size() < 8) co_return invalid("a password has at least 8 characters");
    for (const std::string_view claim : {"email", "given_name", "family_name", "phone_number"})
        if (std::string value = text_in(input, claim); !value.empty())
            wanted.attributes[claim] = std::move(value);
    AC_CO_TRY(const User user,
              co_await issuer.directory().create_user(std::move(wanted), std::move(password)));
    json::object out;
    out["name"] = user.name;
    out["sub"] = user.id;
    co_return co_await answer(exchange, 201, std::move(out));
}

Task<> list_users(Issuer& issuer, net::Exchange& exchange) {
    AC_CO_TRY(const auto users,
              co_await issuer.directory().users(std::string(issuer::kDefaultPool)));
    json::array list;
    for (const User& user : users)
        list.push_back(json::object{{"name", user.name}, {"sub", user.id}});
    json::object out;
    out["users"] = std::move(list);
    co_return co_await answer(exchange, 200, std::move(out));
}

Task<> remove_client(Issuer& issuer, json::object input, net::Exchange& exchange) {
    AC_CO_CHECK(co_await issuer.directory().remove_client(std::string(issuer::kDefaultPool),
                                                          text_in(input, "clientId")));
    json::object out;
    co_return co_await answer(exchange, 200, std::move(out));
}

Task<> remove_user(Issuer& issuer, json::object input, net::Exchange& exchange) {
    AC_CO_CHECK(co_await issuer.directory().remove_user(std::string(issuer::kDefaultPool),
                                                        text_in(input, "userName")));
    json::object out;
    co_return co_await answer(exchange, 200, std::move(out));
}

Task<> rotate(Issuer& issuer, net::Exchange& exchange) {
    AC_CO_TRY(const auto pool, co_await issuer.directory().pool(std::string(issuer::kDefaultPool)));
    AC_CO_CHECK(co_await issuer.keys().rotate(pool));
    json::object out;
    co_return co_await answer(exchange, 201, std::move(out));
}

}  // namespace

void bind_issuer(Api& api, Issuer& issuer) {
    api.bind_extension("GET", "/x/issuer",
                       [&issuer](CallContext, json::object, net::Exchange& exchange, net::Body&) {
                           return describe(issuer, exchange);
                       });
    api.bind_extension(
        "POST", "/x/issuer/clients",
        [&issuer](CallContext, json::object, net::Exchange& exchange, net::Body& body) {
            return create_client(issuer, exchange, body);
        });
    api.bind_extension("GET", "/x/issuer/clients",
                       [&issuer](CallContext, json::object, net::Exchange& exchange, net::Body&) {
                           return list_clients(issuer, exchange);
                       });
    api.bind_extension(
        "DELETE", "/x/issuer/clients/{clientId}",
        [&issuer](CallContext, json::object input, net::Exchange& exchange, net::Body&) {
            return remove_client(issuer, std::move(input), exchange);
        });
    api.bind_extension("POST", "/x/issuer/users",
                       [&issuer](CallContext, json::object, net::Exchange& exchange,
                                 net::Body& body) { return create_user(issuer, exchange, body); });
    api.bind_extension("GET", "/x/issuer/users",
                       [&issuer](CallContext, json::object, net::Exchange& exchange, net::Body&) {
                           return list_users(issuer, exchange);
                       });
    api.bind_extension(
        "DELETE", "/x/issuer/users/{userName}",
        [&issuer](CallContext, json::object input, net::Exchange& exchange, net::Body&) {
            return remove_user(issuer, std::move(input), exchange);
        });
    api.bind_extension("POST", "/x/issuer/keys",
                       [&issuer](CallContext, json::object, net::Exchange& exchange, net::Body&) {
                           return rotate(issuer, exchange);
                       });
}

}  // namespace ac::wire
