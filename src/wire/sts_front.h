#pragma once
// The one operation of STS that deployment tools ask first: who am I? Query protocol, XML answers
// (API 2011-06-15). Anything else is refused by name.

#include <string>
#include <string_view>

#include "access/principal.h"
#include "net/http_message.h"

namespace ac::wire {

// `form` is the request body (application/x-www-form-urlencoded) or, for GET, the query.
net::Response answer_sts(std::string_view form, const access::Principal& principal,
                         const std::string& access_key_id, const std::string& request_id);

}  // namespace ac::wire
