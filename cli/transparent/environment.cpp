#include "cli/transparent/environment.h"

#include <algorithm>

namespace ac::cli {

std::string without_redirect_library(std::string_view preload) {
    std::string kept;
    while (!preload.empty()) {
        const auto end = std::min(preload.find_first_of(": "), preload.size());
        const std::string_view one = preload.substr(0, end);
        preload.remove_prefix(std::min(end + 1, preload.size()));
        if (one.empty() || one.ends_with(kRedirectLibrary)) continue;
        if (!kept.empty()) kept += ':';
        kept += one;
    }
    return kept;
}

std::map<std::string, std::string> without_redirection(
    std::map<std::string, std::string> environment) {
    environment.erase(kRedirectTarget);
    const auto preload = environment.find("LD_PRELOAD");
    if (preload == environment.end()) return environment;
    preload->second = without_redirect_library(preload->second);
    if (preload->second.empty()) environment.erase(preload);
    return environment;
}

}  // namespace ac::cli
