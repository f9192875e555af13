#pragma once
// What a command sees of the machine, passed in so that tests can give it another one.

#include <filesystem>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "cli/console.h"

namespace ac::cli {

struct World {
    std::map<std::string, std::string> environment;
    std::filesystem::path folder;   // where the command was started
    std::filesystem::path program;  // our own binary; agentcored is looked for beside it
    Console& console;
    const Clock& clock;
    Random& random;

    // Empty when it is not set.
    std::string variable(const std::string& name) const {
        const auto found = environment.find(name);
        return found == environment.end() ? std::string() : found->second;
    }
};

}  // namespace ac::cli
