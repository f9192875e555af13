#pragma once
// The operations of Amazon Cognito user pools that deployment tools and tutorials call, over
// awsJson 1.1, on pools of the development issuer. Anything else is refused by name.

#include <string>

#include "base/ids.h"
#include "issuer/issuer.h"
#include "net/http_message.h"

namespace ac::wire {

// "CreateUserPool" of "X-Amz-Target: AWSCognitoIdentityProviderService.CreateUserPool"; empty:
// none.
std::string_view cognito_operation(const net::RequestHead& head);
// InitiateAuth is called with a client's id instead of a signature.
bool is_unsigned_cognito(std::string_view operation);

// `issuer` nullptr: it is not enabled, and says so. An unsigned call has an empty scope.
Task<net::Response> answer_cognito(issuer::Issuer* issuer, Scope scope, std::string operation,
                                   std::string body, std::string request_id);

}  // namespace ac::wire
