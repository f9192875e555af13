#include "server/registries_config.h"

#include "models/yaml_map.h"

namespace ac::server {

Result<Registries> parse_registries(const YAML::Node& node) {
    using models::yaml_error;
    if (!node.IsMap()) return yaml_error(node, "registries is a map from hosts");
    Registries out;
    for (const auto& entry : node) {
        const auto host = entry.first.as<std::string>();
        AC_TRY(auto map, models::YamlMap::open(entry.second, "registries." + host));
        RegistryConfig registry;
        AC_CHECK(map.read("user", registry.user));
        AC_CHECK(map.read("password", registry.password));
        AC_CHECK(map.read("plain_http", registry.plain_http));
        AC_CHECK(map.end());
        if (registry.user.empty() != registry.password.empty())
            return yaml_error(entry.first,
                              "registries." + host + ": user and password go together");
        const bool is_key =
            registry.password.starts_with("file:") || registry.password.starts_with("vault:");
        if (!registry.password.empty() && !is_key)
            return yaml_error(
                entry.first, "registries." + host +
                                 ".password names a key, file:/path or vault:NAME, and holds none");
        out.emplace(host, std::move(registry));
    }
    return out;
}

}  // namespace ac::server
