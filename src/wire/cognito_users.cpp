#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "wire/cognito_call.h"

namespace ac::wire::cognito {
namespace {

using issuer::Client;
using issuer::User;

json::object user_output(const User& user, std::string_view attributes_name) {
    json::array attributes;
    attributes.push_back(json::object{{"Name", "sub"}, {"Value", user.id}});
    for (const auto& [name, value] : user.attributes)
        attributes.push_back(json::object{{"Name", name}, {"Value", value}});
    json::object out;
    out["Username"] = user.name;
    out[attributes_name] = std::move(attributes);
    out["Enabled"] = true;
    out["UserStatus"] = user.must_change_password ? "FORCE_CHANGE_PASSWORD" : "CONFIRMED";
    out["UserCreateDate"] = epoch_seconds(user.created_at);
    out["UserLastModifiedDate"] = epoch_seconds(user.created_at);
    return out;
}

// Cognito's standard attributes and custom ones: attributes become claims, and what the issuer
// itself says in a token is not theirs to say.
bool may_be_attribute(std::string_view name) {
    constexpr std::array<std::string_view, 19> kStandard = {"address",
                                                            "birthdate",
                                                            "email",
                                                            "email_verified",
                                                            "family_name",
                                                            "gender",
                                                            "given_name",
                                                            "locale",
                                                            "middle_name",
                                                            "name",
                                                            "nickname",
                                                            "phone_number",
                                                            "phone_number_verified",
                                                            "picture",
                                                            "preferred_username",
                                                            "profile",
                                                            "updated_at",
                                                            "website",
                                                            "zoneinfo"};
    return name.starts_with("custom:") || std::ranges::find(kStandard, name) != kStandard.end();
}

Task<json::object> create_user(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    User wanted{.pool = pool.id};
    AC_CO_TRY(wanted.name, required(call.input, "Username"));
    if (const json::value* given = call.input.if_contains("UserAttributes");
        given != nullptr && given->is_array()) {
        for (const json::value& one : given->get_array()) {
            if (!one.is_object()) co_return invalid("UserAttributes are objects");
            const std::string name = text_in(one.get_object(), "Name");
            if (!may_be_attribute(name))
                co_return invalid("an attribute cannot be called \"" + name + "\"");
            wanted.attributes[name] = text_in(one.get_object(), "Value");
        }
    }
    wanted.must_change_password = true;
    std::string password = text_in(call.input, "TemporaryPassword");
    auto made =
        co_await call.issuer.directory().create_user(std::move(wanted), std::move(password));
    if (!made && made.error().code == ErrorCode::conflict)
        co_return fail({.code = ErrorCode::conflict,
                        .message = made.error().message,
                        .reason = "UsernameExistsException"});
    AC_CO_CHECK(made);
    json::object out;
    out["User"] = user_output(*made, "Attributes");
    co_return out;
}

Task<json::object> set_user_password(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    AC_CO_TRY(std::string name, required(call.input, "Username"));
    AC_CO_TRY(std::string password, required(call.input, "Password", 256));
    if (password.size() < 6)
        co_return fail({.code = ErrorCode::invalid_argument,
                        .message = "Password did not conform with policy: Password not long enough",
                        .reason = "InvalidPasswordException"});
    const json::value* permanent = call.input.if_contains("Permanent");
    const bool stays = permanent != nullptr && permanent->is_bool() && permanent->get_bool();
    auto set = co_await call.issuer.directory().set_password(pool.id, std::move(name),
                                                             std::move(password), !stays);
    if (!set && set.error().code == ErrorCode::not_found)
        co_return fail({.code = ErrorCode::not_found,
                        .message = set.error().message,
                        .reason = "UserNotFoundException"});
    AC_CO_CHECK(std::move(set));
    co_return json::object();
}

Task<json::object> get_user(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    AC_CO_TRY(std::string name, required(call.input, "Username"));
    AC_CO_TRY(const auto user, co_await call.issuer.directory().user(pool.id, std::move(name)));
    if (!user)
        co_return fail({.code = ErrorCode::not_found,
                        .message = "User does not exist.",
                        .reason = "UserNotFoundException"});
    co_return user_output(*user, "UserAttributes");
}

Task<json::object> delete_user(Call call) {
    AC_CO_TRY(const Pool pool, co_await pool_of(call));
    AC_CO_TRY(std::string name, required(call.input, "Username"));
    AC_CO_CHECK(co_await call.issuer.directory().remove_user(pool.id, std::move(name)));
    co_return json::object();
}

std::unexpected<Error> not_authorized(std::string message) {
    return fail({.code = ErrorCode::unauthenticated,
                 .message = std::move(message),
                 .reason = "NotAuthorizedException"});
}

// Who knows a client's secret proves it with base64(HMAC(secret, user name + client id)).
Result<> check_secret_hash(Issuer& issuer, const Client& client, std::string_view user,
                           std::string_view given) {
    if (client.secret_hash.empty()) return {};
    AC_TRY(const SecretBytes secret, issuer.directory().secret_of(client));
    const std::string expected =
        to_base64(as_text(hmac_sha256(secret.view(), std::string(user) + client.id)));
    if (equal_in_constant_time(expected, given)) return {};
    return not_authorized("SecretHash does not match for the client.");
}

Task<json::object> authenticate(Call call, Pool pool, issuer::ClientPointer client,
                                json::object given) {
    const std::string flow = text_in(call.input, "AuthFlow");
    const std::string name = text_in(given, "USERNAME");
    const bool is_password = flow == "USER_PASSWORD_AUTH" || flow == "ADMIN_USER_PASSWORD_AUTH" ||
                             flow == "ADMIN_NO_SRP_AUTH";
    if (!is_password && flow != "REFRESH_TOKEN_AUTH" && flow != "REFRESH_TOKEN")
        co_return invalid(flow + " is not supported by this version of agentcored");
    if (is_password) {
        const std::string wanted =
            flow == "ADMIN_NO_SRP_AUTH" ? "ALLOW_ADMIN_USER_PASSWORD_AUTH" : "ALLOW_" + flow;
        if (!client->may(wanted)) co_return invalid(flow + " flow not enabled for this client");
        AC_CO_CHECK(check_secret_hash(call.issuer, *client, name, text_in(given, "SECRET_HASH")));
        auto user =
            co_await call.issuer.directory().log_in(pool.id, name, text_in(given, "PASSWORD"));
        if (!user && user.error().code == ErrorCode::unauthenticated)
            co_return not_authorized(user.error().message);
        AC_CO_CHECK(user);
        if (user->must_change_password)
            co_return not_authorized(
                "The password is temporary: set another one with "
                "AdminSetUserPassword.");
        co_return co_await call.issuer.grants().grant_user(std::move(pool), std::move(client),
                                                           *std::move(user),
                                                           "aws.cognito.signin.user.admin openid");
    }
    const std::string token = text_in(given, "REFRESH_TOKEN");
    AC_CO_TRY(const auto known, co_await call.issuer.grants().grant_behind(token));
    if (!known) co_return not_authorized("Invalid Refresh Token");
    // Cognito's clients put the user's name or its id into the hash.
    const std::string hash = text_in(given, "SECRET_HASH");
    if (!check_secret_hash(call.issuer, *client, known->user_name, hash)) {
        AC_CO_CHECK(check_secret_hash(call.issuer, *client, known->user, hash));
    }
    auto fresh =
        co_await call.issuer.grants().refresh(std::move(pool), std::move(client), token, "");
    if (!fresh && !fresh.error().reason.empty()) co_return not_authorized("Invalid Refresh Token");
    co_return fresh;
}

// Cognito's form of OAuth's answer.
json::object authentication_output(const json::object& tokens) {
    json::object result;
    result["AccessToken"] = tokens.at("access_token");
    result["ExpiresIn"] = tokens.at("expires_in");
    result["TokenType"] = "Bearer";
    if (const auto* token = tokens.if_contains("refresh_token")) result["RefreshToken"] = *token;
    if (const auto* token = tokens.if_contains("id_token")) result["IdToken"] = *token;
    json::object out;
    out["ChallengeParameters"] = json::object();
    out["AuthenticationResult"] = std::move(result);
    return out;
}

json::object parameters_in(const json::object& input) {
    const json::value* value = input.if_contains("AuthParameters");
    return value != nullptr && value->is_object() ? value->get_object() : json::object();
}

Task<json::object> admin_initiate_auth(Call call) {
    AC_CO_TRY(Pool pool, co_await pool_of(call));
    AC_CO_TRY(auto client, co_await client_of(call, pool));
    json::object given = parameters_in(call.input);
    AC_CO_TRY(const json::object tokens,
              co_await authenticate(std::move(call), std::move(pool), std::move(client),
                                    std::move(given)));
    co_return authentication_output(tokens);
}

// The client's id alone names the pool.
Task<json::object> initiate_auth(Call call) {
    AC_CO_TRY(const std::string id, required(call.input, "ClientId"));
    if (text_in(call.input, "AuthFlow").starts_with("ADMIN_"))
        co_return invalid("Initiate Auth method not supported");
    AC_CO_TRY(auto client, co_await call.issuer.directory().client_of_cognito(id));
    if (!client)
        co_return fail(ErrorCode::not_found, "User pool client " + id + " does not exist.");
    AC_CO_TRY(Pool pool, co_await call.issuer.directory().pool(client->pool));
    json::object given = parameters_in(call.input);
    AC_CO_TRY(const json::object tokens,
              co_await authenticate(std::move(call), std::move(pool), std::move(client),
                                    std::move(given)));
    co_return authentication_output(tokens);
}

constexpr std::array<NamedOperation, 6> kOperations = {{
    {"AdminCreateUser", create_user},
    {"AdminSetUserPassword", set_user_password},
    {"AdminGetUser", get_user},
    {"AdminDeleteUser", delete_user},
    {"AdminInitiateAuth", admin_initiate_auth},
    {"InitiateAuth", initiate_auth},
}};

}  // namespace

std::span<const NamedOperation> user_operations() {
    return kOperations;
}

}  // namespace ac::wire::cognito
