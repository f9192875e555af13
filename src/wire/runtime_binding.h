#pragma once
// Connects the operations of Runtime, and our own extensions for logs and sessions, to the service.
//
//   GET /x/runtimes/{agentRuntimeId}/logs?session=&qualifier=&tail=&follow=true
//   GET /x/runtimes/{agentRuntimeId}/build-log?version=
//   GET /x/runtimes/{agentRuntimeId}/sessions

#include "bearer/authorizer.h"
#include "runtime/runtime_service.h"
#include "wire/tag_binding.h"

namespace ac::wire {

// `service` outlives `api`.
void bind_runtime(Api& api, runtime::RuntimeService& service);
// The same operations for callers with a token instead of a signature, for runtimes that are
// configured so (customJWTAuthorizer), and the metadata by which such callers find the issuer.
// `authorizer` outlives `api`.
void bind_runtime_tokens(Api& api, runtime::RuntimeService& service,
                         bearer::Authorizer& authorizer);
std::unique_ptr<TagOwner> make_runtime_tags(runtime::RuntimeService& service);

}  // namespace ac::wire
