#pragma once
// Agents for Node.js: which node runs them, what package.json asks to be installed, and how. Pure
// but for looking at files; the builder runs what is described here.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "runtime/build_box.h"
#include "runtime/build_options.h"

namespace ac::runtime {

// Where Node looks for packages: beside the code. A mount point, so the folder is in the code's.
inline constexpr std::string_view kNodeModules = "node_modules";

struct NodeInterpreter {
    std::filesystem::path path;  // resolved
    std::filesystem::path npm;   // npm-cli.js; empty: there is none
};

// unavailable: no node of that major version; the message names what there is.
Result<NodeInterpreter> find_node(const std::string& version, const BuildOptions& options);
bool is_node(const std::filesystem::path& interpreter);

struct NodePackages {
    bool is_locked = false;  // package-lock.json: exactly what it says
    bool refers_to_files = false;
    std::string text;  // everything that decides the result
};
// nullopt: package.json asks nothing, or the archive brought node_modules. invalid_argument: a
// package.json that is none.
Result<std::optional<NodePackages>> find_node_packages(const std::filesystem::path& code);

// Installs into the writable packages folder, scripts of packages included.
BoxRun node_install_run(const NodePackages& packages, const NodeInterpreter& node,
                        const BuildOptions& options);
// For the error message of a file that is no JavaScript; nullopt: not a kind that can be checked.
std::optional<BoxRun> node_check_run(const std::string& script, const NodeInterpreter& node);
std::string node_install_key(const NodePackages& packages, const NodeInterpreter& node,
                             std::string_view machine, std::string_view archive);

// {"app.js"}, {"node", "--option", "app.mjs"}, {"app.ts"}: the command, and its file.
struct NodeCommand {
    std::vector<std::string> argv;
    std::string script;
};
Result<NodeCommand> node_command(const std::vector<std::string>& entry_point,
                                 const NodeInterpreter& node);

}  // namespace ac::runtime
