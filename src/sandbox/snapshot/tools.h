#pragma once
// The programs that run inside guests, which are part of ours. Empty where they cannot be built.

#include <string_view>

namespace ac::sandbox::snapshot {

std::string_view thaw_program();    // an ELF executable
std::string_view freeze_library();  // an ELF shared object
std::string_view template_python();

}  // namespace ac::sandbox::snapshot
