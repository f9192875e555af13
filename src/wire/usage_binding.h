#pragma once
// GET /x/usage: who used which model how much.
//
//   /x/usage?days=7&by=model,runtime,session&runtime=ID&session=ID
//
// answers {"days", "rows": [...], "total": {...}}; `by` is "model" unless given.

#include "models/usage.h"
#include "wire/api.h"

namespace ac::wire {

// `usage` outlives `api`.
void bind_usage(Api& api, models::UsageBook& usage);

}  // namespace ac::wire
