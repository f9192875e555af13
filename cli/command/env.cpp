#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/command/commands.h"
#include "cli/command/connection.h"
#include "cli/command/shell.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

// Which client reads which is in docs/reference/cli.md.
std::vector<std::pair<std::string, std::string>> variables_for(const Connection& connection) {
    const std::string url = connection.url.text();
    return {{"AWS_ENDPOINT_URL", url},
            {"AWS_ACCESS_KEY_ID", connection.credentials.access_key_id},
            {"AWS_SECRET_ACCESS_KEY", connection.credentials.secret_access_key},
            {"AWS_REGION", connection.region},
            {"AWS_DEFAULT_REGION", connection.region},
            {"BEDROCK_AGENTCORE_DP_ENDPOINT", url},
            {"BEDROCK_AGENTCORE_CP_ENDPOINT", url},
            {"BEDROCK_AGENTCORE_CONTROL_ENDPOINT", url},
            {"AGENTCORE_ENDPOINT", url}};
}

}  // namespace

Expected<> run(const Context& context, const EnvOptions& options) {
    AC_TRY(const Connection connection, connect(context.world, context.common, options.region));
    auto variables = variables_for(connection);
    // A token left over from another account would be sent with our key and spoil it.
    const auto& token = connection.credentials.session_token;
    if (!token.empty() || !context.world.variable("AWS_SESSION_TOKEN").empty())
        variables.emplace_back("AWS_SESSION_TOKEN", token);
    if (context.common.json) {
        json::object out;
        for (const auto& [name, value] : variables) out[name] = value;
        context.console().out(json::serialize(out) + "\n");
        return {};
    }
    std::string text;
    for (const auto& [name, value] : variables)
        text += fmt::format("export {}={}\n", name, shell_quoted(value));
    context.console().out(text);
    return {};
}

}  // namespace ac::cli
