#include <csignal>
#include <exception>
#include <filesystem>

#include "cli/command/commands.h"

extern char** environ;

namespace {

std::map<std::string, std::string> environment() {
    std::map<std::string, std::string> variables;
    for (char** entry = environ; *entry; ++entry) {
        const std::string text = *entry;
        const auto equals = text.find('=');
        if (equals != std::string::npos)
            variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return variables;
}

}  // namespace

int main(int argc, char** argv) try {
    std::signal(SIGPIPE, SIG_IGN);
    const auto variables = environment();
    const auto no_colour = variables.find("NO_COLOR");
    const auto console =
        ac::cli::make_console(no_colour != variables.end() && !no_colour->second.empty());
    const ac::SystemClock clock;
    ac::SystemRandom random;
    std::error_code error;
    ac::cli::World world{.environment = variables,
                         .folder = std::filesystem::current_path(),
                         .program = std::filesystem::read_symlink("/proc/self/exe", error),
                         .console = *console,
                         .clock = clock,
                         .random = random};
    return ac::cli::main_with(world, {argv + 1, argv + argc});
} catch (const std::exception& bug) {
    std::fprintf(stderr, "agentcore: internal error: %s\n", bug.what());
    return 1;
}
