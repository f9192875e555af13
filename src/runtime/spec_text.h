#pragma once
// How a Spec and what a build left are kept in a text column of our own tables.
// from_text(to_text(x)) == x; a text that we did not write is an Error (internal).

#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime/catalog.h"
#include "runtime/types.h"

namespace ac::runtime {

std::string to_text(const Spec& spec);
Result<Spec> spec_from_text(std::string_view text);

std::string to_text(const BuiltVersion& built);
Result<BuiltVersion> built_from_text(std::string_view text);

}  // namespace ac::runtime
