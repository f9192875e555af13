#include "cli/command/connection.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>

#include "base/file.h"
#include "cli/daemon/local_daemon.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kKeyFileBytesMax = 4096;

std::optional<Credentials> from_environment(const World& world) {
    Credentials found{.access_key_id = world.variable("AWS_ACCESS_KEY_ID"),
                      .secret_access_key = world.variable("AWS_SECRET_ACCESS_KEY"),
                      .session_token = world.variable("AWS_SESSION_TOKEN")};
    if (found.access_key_id.empty() || found.secret_access_key.empty()) return std::nullopt;
    return found;
}

std::optional<Credentials> from_data_dir(const fs::path& data_dir) {
    const auto text = read_file(data_dir / "root-access-key.json", kKeyFileBytesMax);
    if (!text) return std::nullopt;
    boost::system::error_code error;
    const json::value document = json::parse(*text, error);
    Credentials found{.access_key_id = text_at(document, "accessKeyId"),
                      .secret_access_key = text_at(document, "secretAccessKey")};
    if (error || found.access_key_id.empty() || found.secret_access_key.empty())
        return std::nullopt;
    return found;
}

// The local daemon knows its own key and no other, while the environment often holds keys of a
// real account; an endpoint that was named is somebody's service, for which the environment speaks.
Expected<Credentials> credentials_for(const World& world, const Connection& connection) {
    const auto own = from_data_dir(connection.data_dir);
    const auto given = from_environment(world);
    const auto& first = connection.is_local ? own : given;
    const auto& second = connection.is_local ? given : own;
    if (first) return *first;
    if (second) return *second;
    return failed(ExitCode::usage,
                  fmt::format("no credentials: AWS_ACCESS_KEY_ID is not set and {} cannot be read",
                              (connection.data_dir / "root-access-key.json").string()),
                  "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name the daemon's folder "
                  "with --data-dir.");
}

}  // namespace

std::string region_of(const World& world, const std::string& chosen) {
    if (!chosen.empty()) return chosen;
    for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"})
        if (auto value = world.variable(name); !value.empty()) return value;
    return std::string(kDefaultRegion);
}

std::string endpoint_of(const World& world, const CommonOptions& common) {
    return common.endpoint.empty() ? world.variable("AGENTCORE_ENDPOINT") : common.endpoint;
}

Expected<Connection> connect(const World& world, const CommonOptions& common,
                             const std::string& region) {
    Connection connection;
    connection.region = region_of(world, region);
    const std::string endpoint = endpoint_of(world, common);
    connection.is_local = endpoint.empty();
    auto data_dir = data_dir_of(world, common.data_dir);
    if (!data_dir && connection.is_local) return std::unexpected(data_dir.error());
    if (data_dir) connection.data_dir = std::move(*data_dir);
    if (connection.is_local) {
        const LocalDaemon daemon(world, connection.data_dir);
        bool started = false;
        AC_TRY(const auto running, daemon.ensure(started));
        connection.url = running.url;
        if (started)
            world.console.err(fmt::format("Started the local daemon on {} (data in {}).\n",
                                          connection.url.text(), connection.data_dir.string()));
    } else {
        AC_TRY(connection.url, parse_url(endpoint));
    }
    AC_TRY(connection.credentials, credentials_for(world, connection));
    connection.link = make_http_link(connection.url, world.clock);
    connection.client = std::make_unique<AwsClient>(
        *connection.link,
        make_sigv4_signer(connection.credentials, connection.region, world.clock));
    return connection;
}

}  // namespace ac::cli
