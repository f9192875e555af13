#pragma once
// The Gate that asks access: every operation is an action on resources, and the caller's policies
// and the resource's decide.

#include <memory>

#include "access/authorizer.h"
#include "wire/gate.h"

namespace ac::wire {

// `authorizer` outlives the gate.
std::unique_ptr<Gate> make_access_gate(const access::Authorizer& authorizer);

}  // namespace ac::wire
