#pragma once
// What an agent asks to be installed, and under which name the result is cached.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime/vendored.h"

namespace ac::runtime {

struct Requirements {
    enum class Kind { requirements_txt, pyproject };
    Kind kind = Kind::requirements_txt;
    std::string file;  // name inside the archive
    std::string text;
    // It refers to files beside it ("-r more.txt", "./wheel.whl"): what is installed then depends
    // on the whole archive.
    bool refers_to_files = false;
};

// requirements.txt, else pyproject.toml, of an unpacked archive; nullopt: neither asks anything.
std::optional<Requirements> find_requirements(const std::filesystem::path& folder);

// Normalized names of the packages that lines of a requirements.txt name; nullopt when a line is
// not a plain "name[extras] condition".
std::optional<std::vector<std::string>> required_names(std::string_view text);

// Whether the archive brought all of it along, so that nothing needs to be installed.
bool is_vendored(const Requirements& requirements, const Vendored& vendored);

// "name==version" lines for the packages that do not fit this machine; empty: none.
std::string replacements(const Vendored& vendored);

}  // namespace ac::runtime
