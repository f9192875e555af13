#pragma once
// Notices that a project has changed: its files, by name, size and time of writing. What would not
// be packed is not watched (virtual environments, caches, what .gitignore names).

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "cli/project/naming.h"

namespace ac::cli {

class SourceWatch final {
  public:
    // The entry point is watched whatever the rules say.
    explicit SourceWatch(SourceLayout layout);

    // The name of a file that was written, made or removed since the last look; nullopt: none.
    // While the folder cannot be read nothing has changed.
    std::optional<std::string> look();

  private:
    struct Stamp {
        std::filesystem::file_time_type time;
        std::uint64_t bytes = 0;
        bool operator==(const Stamp&) const = default;
    };
    using Stamps = std::map<std::string, Stamp>;
    std::optional<Stamps> stamps() const;

    const SourceLayout layout_;
    Stamps seen_;
};

}  // namespace ac::cli
