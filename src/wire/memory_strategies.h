#pragma once
// Memory strategies between the API's forms: a union on the way in, another structure on the way
// out. A custom strategy keeps its prompts and models as they came; the built-in engine works by
// the strategy that it overrides.

#include "base/result.h"
#include "memory/memories.h"

namespace ac::wire {

namespace json = boost::json;

// A MemoryStrategyInput. not_implemented: a self-managed one.
Result<memory::Strategy> strategy_from(const json::object& input);
// A ModifyMemoryStrategyInput.
Result<memory::StrategyChange> strategy_change_from(const json::object& input);
json::object strategy_output(const memory::Strategy& strategy);

}  // namespace ac::wire
