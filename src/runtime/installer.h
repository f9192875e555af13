#pragma once
// How packages are installed: the command lines and what they must see of the host.

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "runtime/build_box.h"
#include "runtime/build_options.h"
#include "runtime/interpreter.h"
#include "runtime/requirements.h"

namespace ac::runtime {

// The run may reach package indexes, as the operator's settings say, and sees the files that those
// name.
void let_reach_indexes(BoxRun& run, const BuildOptions& options);

// Installs what `requirements` asks, with dependencies.
BoxRun install_run(const Requirements& requirements, const Interpreter& interpreter,
                   const BuildOptions& options);
// Installs exactly these "name==version" lines, without dependencies.
BoxRun replace_run(const std::string& lines, const Interpreter& interpreter,
                   const BuildOptions& options);
// Compiles all of a writable code folder for `interpreter`. What cannot be compiled is no error.
BoxRun compile_run(const Interpreter& interpreter);
// Compiles one file, for its error message.
BoxRun check_run(const std::string& script, const Interpreter& interpreter);

// What of two installations must be equal for their results to be: the name of a cache entry.
// `archive` is the hash of the whole archive, used where the requirements refer to its files.
std::string install_key(const Requirements& requirements, const Interpreter& interpreter,
                        const BuildOptions& options, std::string_view machine,
                        std::string_view archive);
std::string replace_key(const std::string& lines, const Interpreter& interpreter,
                        const BuildOptions& options, std::string_view machine);

// The command of an entry point ("agent.py"; "opentelemetry-instrument", "agent.py"; a script that
// a package brings, "agent.py"), with the paths inside the sandbox. `has_file` says whether a path
// relative to one of the folders exists: code, overlay or packages.
struct EntryCommand {
    std::vector<std::string> argv;
    std::string script;  // the file of the archive that is run
    std::string note;    // for the build log; empty: nothing to say
};
enum class Part { code, overlay, packages };
using HasFile = std::function<bool(Part, const std::string&)>;
Result<EntryCommand> entry_command(const std::vector<std::string>& entry_point,
                                   const Interpreter& interpreter, const HasFile& has_file);

}  // namespace ac::runtime
