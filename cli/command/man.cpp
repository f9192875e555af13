#include <fmt/format.h>

#include "base/file.h"
#include "cli/command/commands.h"

namespace ac::cli {

namespace fs = std::filesystem;

Expected<> run(const Context& context, const ManOptions& options) {
    const fs::path folder = context.world.folder / options.folder;
    std::error_code error;
    fs::create_directories(folder, error);
    if (error)
        return failed(ExitCode::failed,
                      fmt::format("cannot make {}: {}", folder.string(), error.message()));
    for (const ManPage& page : options.pages)
        AC_CHECK(write_file(folder / (page.name() + ".1"), to_roff(page), 0644));
    return {};
}

}  // namespace ac::cli
