#pragma once
// The environment of clients of a daemon: what `env` prints and `dev` gives to an agent.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/command/commands.h"
#include "cli/command/connection.h"

namespace ac::cli {

// nullopt: to be unset.
using Variables = std::vector<std::pair<std::string, std::optional<std::string>>>;

// Which client reads which is in docs/reference/cli.md.
Variables client_variables(const World& world, const Connection& connection);

// The same for clients that insist on AWS's host names. Writes the authority's certificate, and it
// together with the system's, to files below the data folder. not_found: the daemon or this
// installation has no part of it.
Expected<Variables> transparent_variables(const World& world, const Connection& connection);

}  // namespace ac::cli
