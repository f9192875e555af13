#pragma once
// Asked before every call's handler runs: may the caller do this?

#include <boost/json/object.hpp>
#include <string_view>

#include "access/request_context.h"
#include "base/result.h"

namespace ac::wire {

struct CallContext;

class Gate {
  public:
    virtual ~Gate() = default;
    // `extension` is "GET /x/...", the template of an operation of our own; empty for those of the
    // tables (context.operation). permission_denied. Where another account's resource admits the
    // caller, context.scope becomes that account's.
    virtual Result<> admit(CallContext& context, const boost::json::object& input,
                           std::string_view extension) const = 0;
    // For handlers that know only themselves what is asked: the action on the resource, with
    // further keys for conditions.
    virtual Result<> check(const CallContext& context, std::string_view action,
                           std::string_view resource,
                           const access::RequestContext& keys = {}) const = 0;
};

}  // namespace ac::wire
