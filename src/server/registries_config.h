#pragma once
// What an operator says about registries of container images, under `registries:` in the
// configuration file (docs/reference/configuration.md). Parsing only.

#include <map>
#include <string>

#include "base/result.h"

namespace YAML {
class Node;
}

namespace ac::server {

struct RegistryConfig {
    std::string user;
    std::string password;     // a key's name: "file:/path" or "vault:NAME"; empty: anonymous
    bool plain_http = false;  // without TLS
};

// By host, with its port where it has one.
using Registries = std::map<std::string, RegistryConfig>;

// The value of `registries:`. invalid_argument with line, key and what is wrong.
Result<Registries> parse_registries(const YAML::Node& node);

}  // namespace ac::server
