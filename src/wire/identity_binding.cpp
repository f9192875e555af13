#include "wire/identity_binding.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <charconv>

#include "crypto/wipe.h"
#include "wire/identity_callback.h"
#include "wire/identity_json.h"

namespace ac::wire {
namespace {

using identity::IdentityService;
using identity::ProviderKind;

std::string text_in(const json::object& object, std::string_view name) {
    const auto* const value = object.if_contains(name);
    return value ? json::value_to<std::string>(*value) : std::string();
}

template <class Page, class Output>
json::object page_output(const Page& page, std::string_view member, Output output) {
    json::array items;
    for (const auto& item : page.items) items.emplace_back(output(item));
    json::object out;
    out[member] = std::move(items);
    if (!page.next_token.empty()) out["nextToken"] = page.next_token;
    return out;
}

json::object output_of(IdentityService& service, const Scope& scope,
                       const identity::Provider& provider) {
    return provider_output(scope, provider, service.providers().callback_url(provider));
}

// Workload identities.

std::vector<std::string> return_urls_in(const json::object& input) {
    const auto* const urls = input.if_contains("allowedResourceOauth2ReturnUrls");
    return urls ? json::value_to<std::vector<std::string>>(*urls) : std::vector<std::string>();
}

Task<json::object> create_workload(IdentityService& service, CallContext call, json::object input) {
    identity::Workload wanted{.name = text_in(input, "name"), .return_urls = return_urls_in(input)};
    AC_CO_TRY(const auto made,
              co_await service.workloads().create(caller_from(call), std::move(wanted),
                                                  identity_tags_from(input)));
    co_return workload_output(call.scope, made);
}

Task<json::object> get_workload(IdentityService& service, CallContext call, json::object input) {
    AC_CO_TRY(const auto found,
              co_await service.workloads().get(call.scope, text_in(input, "name")));
    co_return workload_output(call.scope, found);
}

Task<json::object> update_workload(IdentityService& service, CallContext call, json::object input) {
    AC_CO_TRY(const auto updated,
              co_await service.workloads().update(caller_from(call), text_in(input, "name"),
                                                  return_urls_in(input)));
    co_return workload_output(call.scope, updated);
}

Task<json::object> delete_workload(IdentityService& service, CallContext call, json::object input) {
    AC_CO_CHECK(co_await service.workloads().remove(caller_from(call), text_in(input, "name")));
    co_return json::object();
}

Task<json::object> list_workloads(IdentityService& service, CallContext call, json::object input) {
    AC_CO_TRY(const auto page,
              co_await service.workloads().list(call.scope, identity_page_from(input)));
    co_return page_output(page, "workloadIdentities", [&](const auto& workload) {
        return workload_output(call.scope, workload);
    });
}

// Credential providers.

Result<identity::NewProvider> provider_from(ProviderKind kind, json::object& input, SecretIs is) {
    return kind == ProviderKind::api_key ? api_key_provider_from(input, is)
                                         : oauth_provider_from(input, is);
}

template <ProviderKind kKind>
Task<json::object> create_provider(IdentityService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto wanted, provider_from(kKind, input, SecretIs::required));
    AC_CO_TRY(const auto made,
              co_await service.providers().create(caller_from(call), std::move(wanted)));
    co_return output_of(service, call.scope, made);
}

template <ProviderKind kKind>
Task<json::object> update_provider(IdentityService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto wanted, provider_from(kKind, input, SecretIs::optional));
    AC_CO_TRY(const auto updated,
              co_await service.providers().update(caller_from(call), std::move(wanted)));
    co_return output_of(service, call.scope, updated);
}

template <ProviderKind kKind>
Task<json::object> get_provider(IdentityService& service, CallContext call, json::object input) {
    AC_CO_TRY(const auto found,
              co_await service.providers().get(call.scope, kKind, text_in(input, "name")));
    co_return output_of(service, call.scope, found);
}

template <ProviderKind kKind>
Task<json::object> delete_provider(IdentityService& service, CallContext call, json::object input) {
    AC_CO_CHECK(
        co_await service.providers().remove(caller_from(call), kKind, text_in(input, "name")));
    co_return json::object();
}

template <ProviderKind kKind>
Task<json::object> list_providers(IdentityService& service, CallContext call, json::object input) {
    AC_CO_TRY(const auto page,
              co_await service.providers().list(call.scope, kKind, identity_page_from(input)));
    co_return page_output(page, "credentialProviders", [&](const auto& provider) {
        return output_of(service, call.scope, provider);
    });
}

// The vault.

Task<json::object> get_vault(IdentityService& service, CallContext call, json::object input) {
    std::string id = text_in(input, "tokenVaultId");
    if (id.empty()) id = identity::kDefaultVault;
    AC_CO_TRY(const auto vault, co_await service.vault(call.scope, std::move(id)));
    co_return vault_output(vault);
}

Task<json::object> set_vault_key(IdentityService& service, CallContext call, json::object input) {
    AC_CO_TRY(auto wanted, vault_from(input));
    AC_CO_TRY(const auto vault,
              co_await service.set_vault_key(caller_from(call), std::move(wanted)));
    co_return vault_output(vault);
}

// What agents ask for.

json::object token_output(std::string& token) {
    json::object out;
    out["workloadAccessToken"] = token;
    wipe(token);
    return out;
}

Task<json::object> workload_token(IdentityService& service, CallContext call, json::object input) {
    AC_CO_TRY(std::string token, co_await service.credentials().workload_token(
                                     caller_from(call), text_in(input, "workloadName")));
    co_return token_output(token);
}

Task<json::object> workload_token_for_user(IdentityService& service, CallContext call,
                                           json::object input) {
    AC_CO_TRY(std::string token,
              co_await service.credentials().workload_token_for_user(
                  caller_from(call), text_in(input, "workloadName"), text_in(input, "userId")));
    co_return token_output(token);
}

Task<json::object> workload_token_for_jwt(IdentityService& service, CallContext call,
                                          json::object input) {
    AC_CO_TRY(std::string token,
              co_await service.credentials().workload_token_for_jwt(
                  caller_from(call), text_in(input, "workloadName"), text_in(input, "userToken")));
    co_return token_output(token);
}

Task<json::object> resource_api_key(IdentityService& service, CallContext call,
                                    json::object input) {
    AC_CO_TRY(const SecretBytes key, co_await service.credentials().api_key(
                                         caller_from(call), text_in(input, "workloadIdentityToken"),
                                         text_in(input, "resourceCredentialProviderName")));
    json::object out;
    out["apiKey"] = key.view();
    co_return out;
}

Task<json::object> resource_oauth_token(IdentityService& service, CallContext call,
                                        json::object input) {
    AC_CO_TRY(auto request, oauth_token_request_from(input));
    AC_CO_TRY(const auto answer,
              co_await service.credentials().oauth_token(caller_from(call), std::move(request)));
    co_return oauth_answer_output(answer);
}

Task<json::object> complete_token_auth(IdentityService& service, CallContext call,
                                       json::object input) {
    const auto& user = input.at("userIdentifier").as_object();
    identity::UserKey key;
    if (user.contains("userId")) {
        key = identity::UserKey::of_id(text_in(user, "userId"));
    } else if (user.contains("userToken")) {
        AC_CO_TRY(key, co_await service.credentials().user_of_jwt(text_in(user, "userToken")));
    } else {
        co_return fail(ErrorCode::invalid_argument, "userIdentifier has no member that is known");
    }
    AC_CO_CHECK(co_await service.credentials().complete(
        caller_from(call), text_in(input, "sessionUri"), std::move(key)));
    co_return json::object();
}

// Extensions.

Task<> answer_json(net::Exchange& exchange, std::string text) {
    net::Response response{.status = 200, .headers = {}, .body = std::move(text)};
    response.headers.add("Content-Type", "application/json");
    co_return co_await exchange.respond(std::move(response));
}

// The vault's own affairs are no agent's.
Result<> must_not_be_guest(const CallContext& call) {
    if (call.guest_runtime.empty()) return {};
    return fail(ErrorCode::permission_denied, "An agent may not do this");
}

Task<> read_audit(IdentityService& service, CallContext call, json::object input,
                  net::Exchange& exchange) {
    AC_CO_CHECK(must_not_be_guest(call));
    identity::AuditQuery query{.scope = call.scope,
                               .workload = text_in(input, "workload"),
                               .provider = text_in(input, "provider")};
    const std::string tail = text_in(input, "tail");
    std::from_chars(tail.data(), tail.data() + tail.size(), query.items_max);
    AC_CO_TRY(const auto lines, co_await service.read_audit(std::move(query)));
    std::string text = "{\"entries\":[";
    for (const std::string& line : lines) {
        if (&line != &lines.front()) text += ',';
        text += line;
    }
    text += "]";
    if (text_in(input, "verify") == "true") {
        const auto verified = co_await service.verify_audit();
        text += verified ? ",\"intact\":true"
                         : ",\"intact\":false,\"problem\":" +
                               json::serialize(json::value(verified.error().message));
    }
    co_return co_await answer_json(exchange, text + "}");
}

Task<> rotate_key(IdentityService& service, CallContext call, json::object,
                  net::Exchange& exchange) {
    AC_CO_CHECK(must_not_be_guest(call));
    AC_CO_TRY(const std::string id, co_await service.rotate_key(caller_from(call)));
    json::object out;
    out["keyId"] = id;
    co_return co_await answer_json(exchange, json::serialize(out));
}

// Tags of workload identities and credential providers.
class IdentityTags final : public TagOwner {
  public:
    explicit IdentityTags(IdentityService& service) : service_(service) {}

    bool owns(std::string_view arn) const override {
        return arn.find(":token-vault/") != arn.npos ||
               arn.find(":workload-identity-directory/") != arn.npos;
    }
    Task<TagMap> tags(Scope scope, std::string arn) override {
        return service_.providers().tags(std::move(scope), std::move(arn));
    }
    Task<> add_tags(Scope scope, std::string arn, TagMap tags) override {
        return service_.providers().change_tags(std::move(scope), std::move(arn), std::move(tags),
                                                {});
    }
    Task<> remove_tags(Scope scope, std::string arn, std::vector<std::string> keys) override {
        return service_.providers().change_tags(std::move(scope), std::move(arn), {},
                                                std::move(keys));
    }

  private:
    IdentityService& service_;
};

using Operation = Task<json::object> (*)(IdentityService&, CallContext, json::object);
using Extension = Task<> (*)(IdentityService&, CallContext, json::object, net::Exchange&);

void bind_extension(Api& api, IdentityService& service, std::string_view method,
                    std::string_view uri, Extension extension) {
    api.bind_extension(method, uri,
                       [&service, extension](CallContext call, json::object input,
                                             net::Exchange& exchange, net::Body&) {
                           return extension(service, std::move(call), std::move(input), exchange);
                       });
}

constexpr std::pair<std::string_view, Operation> kOperations[] = {
    {"CreateWorkloadIdentity", create_workload},
    {"GetWorkloadIdentity", get_workload},
    {"UpdateWorkloadIdentity", update_workload},
    {"DeleteWorkloadIdentity", delete_workload},
    {"ListWorkloadIdentities", list_workloads},
    {"CreateApiKeyCredentialProvider", create_provider<ProviderKind::api_key>},
    {"GetApiKeyCredentialProvider", get_provider<ProviderKind::api_key>},
    {"UpdateApiKeyCredentialProvider", update_provider<ProviderKind::api_key>},
    {"DeleteApiKeyCredentialProvider", delete_provider<ProviderKind::api_key>},
    {"ListApiKeyCredentialProviders", list_providers<ProviderKind::api_key>},
    {"CreateOauth2CredentialProvider", create_provider<ProviderKind::oauth2>},
    {"GetOauth2CredentialProvider", get_provider<ProviderKind::oauth2>},
    {"UpdateOauth2CredentialProvider", update_provider<ProviderKind::oauth2>},
    {"DeleteOauth2CredentialProvider", delete_provider<ProviderKind::oauth2>},
    {"ListOauth2CredentialProviders", list_providers<ProviderKind::oauth2>},
    {"GetTokenVault", get_vault},
    {"SetTokenVaultCMK", set_vault_key},
    {"GetWorkloadAccessToken", workload_token},
    {"GetWorkloadAccessTokenForUserId", workload_token_for_user},
    {"GetWorkloadAccessTokenForJWT", workload_token_for_jwt},
    {"GetResourceApiKey", resource_api_key},
    {"GetResourceOauth2Token", resource_oauth_token},
    {"CompleteResourceTokenAuth", complete_token_auth}};

}  // namespace

void bind_identity(Api& api, IdentityService& service) {
    for (const auto& [name, operation] : kOperations) {
        api.bind(name, [&service, operation](CallContext call, json::object input) {
            return operation(service, std::move(call), std::move(input));
        });
    }
    bind_extension(api, service, "GET", "/x/identity/audit", read_audit);
    bind_extension(api, service, "POST", "/x/identity/rotate-key", rotate_key);
    bind_identity_callback(api, service);
}

std::unique_ptr<TagOwner> make_identity_tags(IdentityService& service) {
    return std::make_unique<IdentityTags>(service);
}

}  // namespace ac::wire
