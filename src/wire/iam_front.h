#pragma once
// AWS IAM (API 2010-05-08) over access: users, groups, roles, policies, access keys, simulation.
// docs/reference/access.md lists the operations. Anything else is refused by name.

#include <string>

#include "access/access_service.h"
#include "async/task.h"
#include "wire/query_protocol.h"

namespace ac::wire {

// Always answers. `access` outlives the call. `form` is the request body or, for GET, the query.
asio::awaitable<net::Response, Executor> answer_iam(access::AccessService& access, std::string form,
                                                    QueryCall call);

}  // namespace ac::wire
