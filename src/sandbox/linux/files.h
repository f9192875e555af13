#pragma once
// Whole small files of /proc, /sys and cgroupfs: read and written in one system call.

#include <string>
#include <string_view>

#include "base/result.h"

namespace ac::sandbox {

Result<> write_once(const std::string& path, std::string_view text);
Result<> write_at(int folder, const std::string& name, std::string_view text);
// Empty when it cannot be read.
std::string read_at(int folder, const std::string& name);
std::string read_all(const std::string& path);

}  // namespace ac::sandbox
