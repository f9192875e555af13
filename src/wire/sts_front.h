#pragma once
// AWS STS (API 2011-06-15): GetCallerIdentity, AssumeRole, GetSessionToken, GetAccessKeyInfo.
// Anything else is refused by name.

#include <string_view>

#include "access/access_service.h"
#include "wire/query_protocol.h"

namespace ac::wire {

// `form` is the request body (application/x-www-form-urlencoded) or, for GET, the query.
net::Response answer_sts(const access::AccessService& access, std::string_view form,
                         const QueryCall& call);

}  // namespace ac::wire
