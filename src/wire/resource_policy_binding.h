#pragma once
// Put-, Get- and DeleteResourcePolicy, of runtimes and their endpoints.

#include "access/access_service.h"
#include "runtime/runtime_service.h"
#include "wire/api.h"

namespace ac::wire {

// Both outlive `api`.
void bind_resource_policies(Api& api, access::AccessService& access,
                            runtime::RuntimeService& runtime);

}  // namespace ac::wire
