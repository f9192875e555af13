#pragma once
// Rules by which `configure` fills in what the user did not say.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "cli/failure.h"

namespace ac::cli {

// AWS's rule for runtime names: [a-zA-Z][a-zA-Z0-9_]{0,47}.
bool is_agent_name(std::string_view name);
// The nearest valid name: other characters become _, a leading digit gets agent_ in front. Empty
// when nothing usable is left.
std::string sanitise_agent_name(std::string_view text);

// Where the code is and which file starts it.
struct SourceLayout {
    std::filesystem::path source;      // absolute folder that is packed
    std::filesystem::path entrypoint;  // relative to `source`
    bool program_alone = false;        // a program without the rest of its folder
};

// A program of this kind of machine or another (ELF), not a script.
bool is_program(const std::filesystem::path& path);

// `given` is a file or a folder, relative to `folder`. In a folder main.py, agent.py, app.py (then
// the same as .ts and .js) are looked for, then the only program. A file that is a program is
// deployed alone: what lies beside it is usually a build's. not_found, usage.
Expected<SourceLayout> locate_entrypoint(const std::filesystem::path& folder,
                                         const std::filesystem::path& given);

// agent.py in folder weather-bot -> weather_bot; tools.py -> tools.
std::string infer_agent_name(const SourceLayout& layout);

// requirements.txt or pyproject.toml (package.json) in `source`; nullopt when there is none.
std::optional<std::filesystem::path> find_requirements(const std::filesystem::path& source);

// PYTHON_3_11 for 3.11 and python3.11; nullopt when the API has no such runtime.
std::optional<std::string> canonical_runtime(std::string_view text);
// From the entry point's suffix.
std::string default_runtime(const std::filesystem::path& entrypoint);

// "HTTP" for "http"; nullopt when the API has no such protocol.
std::optional<std::string> canonical_protocol(std::string_view text);
// The command that asks an agent of that protocol something for the first time.
std::string first_invocation(std::string_view protocol);

// us-west-2, us-gov-east-1: the shape, not the list, which grows.
bool is_region(std::string_view text);

}  // namespace ac::cli
