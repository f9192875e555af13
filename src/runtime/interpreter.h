#pragma once
// Which Python runs an agent: the exact one it asks for, or the nearest there is.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "runtime/build_options.h"

namespace ac::runtime {

struct Interpreter {
    std::filesystem::path path;  // resolved, as in /usr/bin/python3.11
    int minor = 0;               // of Python 3
    bool exact = true;

    std::string version() const { return "3." + std::to_string(minor); }
    std::string cache_tag() const { return "cpython-3" + std::to_string(minor); }  // of .pyc files
};

// Of `available`, the exact one, else the nearest newer, else the nearest older from 3.10 on.
// nullopt: none.
std::optional<Interpreter> choose_interpreter(const std::vector<Interpreter>& available, int minor);

// `version` as in "3.12". unavailable: there is none that will do; the message names what there is.
Result<Interpreter> find_interpreter(const std::string& version, const BuildOptions& options);

// The folder that must be visible for `interpreter` to run; empty: nothing beyond /usr.
std::filesystem::path interpreter_prefix(const std::filesystem::path& interpreter);

}  // namespace ac::runtime
