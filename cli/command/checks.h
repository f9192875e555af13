#pragma once
// What `agentcore doctor` looks at. Each check says what it found and, when something is missing,
// the command that mends it.

#include <string>
#include <vector>

#include "cli/command/commands.h"

namespace ac::cli {

enum class Verdict {
    good,
    note,     // works without; something is less than it could be
    missing,  // agents cannot run until it is mended
};

struct Check {
    std::string group;  // "host", "isolation", "daemon", "project"
    std::string name;
    Verdict verdict = Verdict::good;
    std::string detail;
    std::string remedy;
};

std::vector<Check> check_host(const Context& context);
// Asks the daemon's own binary: `agentcored --probe` tries each layer for real.
std::vector<Check> check_isolation(const Context& context);
std::vector<Check> check_daemon(const Context& context);
// The guide's deployment checklist for the project in this folder.
std::vector<Check> check_project(const Context& context);

// The report of `agentcored --probe`: {"layers": [{name, available, detail, remedy}]}.
std::vector<Check> isolation_checks(std::string_view probe_output);

// Environment variables that Python source asks for without a default: os.environ["X"].
std::vector<std::string> required_variables(std::string_view python);

}  // namespace ac::cli
