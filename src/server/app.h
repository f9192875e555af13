#pragma once
// The composition root: what a daemon is made of, built in order and torn down in reverse. main()
// does what must happen before any thread exists (arguments, lock, launcher, privileges); the App
// does the rest.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crypto/secret_bytes.h"
#include "sandbox/launcher.h"
#include "server/config.h"

namespace ac::server {

struct AppOptions {
    Config config;
    sandbox::Launcher launcher;
    // What the vault's keys are derived from, oldest first; empty: they are in a file.
    std::vector<SecretBytes> vault_secrets;
    // The operator's settings for package installers (PIP_*, UV_*, *_PROXY, certificates), as
    // NAME=value; main() takes them from its environment.
    std::vector<std::string> installer_environment;
};

// Serves until SIGTERM or SIGINT, then drains. `on_ready` is called once with the address.
Result<> run_app(AppOptions options, std::function<void(const std::string& url)> on_ready);

}  // namespace ac::server
