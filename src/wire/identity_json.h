#pragma once
// The Identity service's nouns from and to the API's JSON objects. Secrets are moved out of the
// input into SecretBytes, and their places overwritten.

#include <boost/json/object.hpp>

#include "identity/identity_service.h"
#include "wire/api.h"

namespace ac::wire {

identity::Caller caller_from(const CallContext& call);
identity::PageRequest identity_page_from(const json::object& input);
identity::Tags identity_tags_from(const json::object& input);

// The text of a sensitive member, taken out of the input; empty when it is absent.
SecretBytes take_secret(json::object& input, std::string_view name);

// invalid_argument names what is wrong or not supported. `is_new`: the secret must be given.
enum class SecretIs { required, optional };
Result<identity::NewProvider> api_key_provider_from(json::object& input, SecretIs secret);
Result<identity::NewProvider> oauth_provider_from(json::object& input, SecretIs secret);
Result<identity::OauthTokenRequest> oauth_token_request_from(json::object& input);
Result<identity::VaultView> vault_from(const json::object& input);

json::object workload_output(const Scope& scope, const identity::Workload& workload);
json::object provider_output(const Scope& scope, const identity::Provider& provider,
                             const std::string& callback_url);
json::object oauth_answer_output(const identity::OauthTokenAnswer& answer);
json::object vault_output(const identity::VaultView& vault);

}  // namespace ac::wire
