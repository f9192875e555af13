#pragma once
// From options and environment to a client that can call: which daemon, whose key, which region.

#include <filesystem>
#include <memory>
#include <string>

#include "cli/net/aws_client.h"
#include "cli/options.h"
#include "cli/world.h"

namespace ac::cli {

inline constexpr std::string_view kDefaultRegion = "us-west-2";
inline constexpr std::string_view kDefaultAccount = "000000000000";

struct Connection {
    Url url;
    Credentials credentials;
    std::string region;
    std::filesystem::path data_dir;
    bool is_local = false;  // the daemon that this program starts and stops
    std::unique_ptr<HttpLink> link;
    std::unique_ptr<AwsClient> client;  // uses `link`
};

// Starts the local daemon when no endpoint was named and none runs. `region` may be empty.
Expected<Connection> connect(const World& world, const CommonOptions& common,
                             const std::string& region);

// First of: `chosen`, AWS_REGION, AWS_DEFAULT_REGION, us-west-2.
std::string region_of(const World& world, const std::string& chosen);

// --endpoint or AGENTCORE_ENDPOINT; empty when the local daemon is meant.
std::string endpoint_of(const World& world, const CommonOptions& common);

}  // namespace ac::cli
