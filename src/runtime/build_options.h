#pragma once
// What the operator decides about builds.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ac::runtime {

struct BuildOptions {
    // Pythons beyond /usr/bin and /usr/local/bin: files or folders that hold python3.N.
    std::vector<std::filesystem::path> interpreters;
    // Refuse a runtime whose exact Python is not here, instead of taking the nearest.
    bool exact_interpreter = false;
    // The fast installer, when there is one; empty: pip.
    std::filesystem::path uv;
    // For agents of Node.js: the program; empty: /usr/bin/node or /usr/local/bin/node, if any.
    std::filesystem::path node;
    // "NAME=value": the operator's index settings for the installer (PIP_*, UV_*, npm_config_*,
    // *_PROXY, SSL_CERT_FILE, REQUESTS_CA_BUNDLE). Never given to agents.
    std::vector<std::string> installer_environment;
};

// URLs of the indexes that his settings and `pip_settings` (the text of a pip.conf) name, without
// what they hold of user and password.
std::vector<std::string> index_urls(const std::vector<std::string>& installer_environment,
                                    std::string_view pip_settings);

// Those of `environment` ("NAME=value") that an installer needs.
std::vector<std::string> installer_environment(const char* const* environment);

}  // namespace ac::runtime
