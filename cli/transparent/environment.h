#pragma once
// The variables that load redirect.c's library into a client, and how to be rid of them.

#include <filesystem>
#include <map>
#include <string>

namespace ac::cli {

inline constexpr std::string_view kRedirectLibrary = "libagentcore_transparent.so";
inline constexpr const char* kRedirectTarget = "AGENTCORE_TRANSPARENT";

// What stands in LD_PRELOAD (separated by colons or spaces) without our library.
std::string without_redirect_library(std::string_view preload);

// For a process that must reach AWS itself: the daemon, whose providers may be there.
std::map<std::string, std::string> without_redirection(
    std::map<std::string, std::string> environment);

}  // namespace ac::cli
