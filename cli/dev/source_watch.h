#pragma once
// Notices that a project has changed: its files, by name, size and time of writing. What would not
// be packed is not watched (virtual environments, caches, what .gitignore names).

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "cli/failure.h"

namespace ac::cli {

class SourceWatch final {
  public:
    // `entrypoint` is relative to `folder` and watched whatever the rules say.
    SourceWatch(std::filesystem::path folder, std::filesystem::path entrypoint);

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

    const std::filesystem::path folder_;
    const std::filesystem::path entrypoint_;
    Stamps seen_;
};

}  // namespace ac::cli
