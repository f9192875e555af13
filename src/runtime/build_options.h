#pragma once
// What the operator decides about builds.

#include <filesystem>
#include <string>
#include <vector>

namespace ac::runtime {

struct BuildOptions {
    // Pythons beyond /usr/bin and /usr/local/bin: files or folders that hold python3.N.
    std::vector<std::filesystem::path> interpreters;
    // Refuse a runtime whose exact Python is not here, instead of taking the nearest.
    bool exact_interpreter = false;
    // The fast installer, when there is one; empty: pip.
    std::filesystem::path uv;
    // "NAME=value": the operator's index settings for the installer (PIP_*, UV_*, *_PROXY,
    // SSL_CERT_FILE, REQUESTS_CA_BUNDLE). Never given to agents.
    std::vector<std::string> installer_environment;
};

// Those of `environment` ("NAME=value") that an installer needs.
std::vector<std::string> installer_environment(const char* const* environment);

}  // namespace ac::runtime
