#pragma once
// Manual pages, man(7), made from what the parser knows, as completions are.

#include <string>
#include <vector>

#include "cli/failure.h"

namespace ac::cli {

struct ManOption {
    std::vector<std::string> names;  // "-s", "--session-id"; of a positional one "payload"
    std::string description;
    bool is_required = false;
    bool is_list = false;
    bool takes_value = false;

    bool is_positional() const { return !names.front().starts_with('-'); }
};

struct ManCommand {
    std::string name;
    std::string summary;
};

struct ManPage {
    std::string path;  // "agentcore memory list"
    std::string summary;
    std::vector<ManOption> options;
    std::vector<ManCommand> commands;
    bool wants_command = false;

    std::string name() const;  // "agentcore-memory-list"
};

std::string to_roff(const ManPage& page);

// The page of `agentcore COMMAND...`; not_found.
Expected<std::string> man_text(const std::vector<ManPage>& pages,
                               const std::vector<std::string>& command);

}  // namespace ac::cli
