#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/command/answer.h"
#include "cli/command/deployed_agent.h"
#include "cli/net/services.h"
#include "cli/project/naming.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

json::object config_of(const AgentConfig& agent) {
    return {{"name", agent.name},
            {"entrypoint", (agent.source / agent.entrypoint).string()},
            {"region", agent.region},
            {"account", agent.account},
            {"agent_id", agent.runtime_id},
            {"agent_arn", agent.runtime_arn},
            {"agent_session_id", agent.session_id}};
}

std::string text_of(const AgentConfig& agent, const json::value& runtime,
                    const json::value& endpoint) {
    const std::string status = text_at(runtime, "status");
    std::string out = fmt::format(
        "Agent {}\n  status    {} (version {}, endpoint DEFAULT {} at version {})\n  ARN       {}\n"
        "  created   {}\n  updated   {}\n",
        agent.name, status, text_at(runtime, "agentRuntimeVersion"), text_at(endpoint, "status"),
        text_at(endpoint, "liveVersion"), agent.runtime_arn, text_at(runtime, "createdAt"),
        text_at(runtime, "lastUpdatedAt"));
    if (!agent.session_id.empty()) out += fmt::format("  session   {}\n", agent.session_id);
    if (const auto reason = text_at(runtime, "failureReason"); !reason.empty())
        out += fmt::format("  reason    {}\n", reason);
    if (status == "READY")
        out += fmt::format("Next: {}\n", first_invocation(agent.protocol));
    else if (status.ends_with("FAILED"))
        out += "Next: agentcore logs --build\n";
    return out;
}

Expected<> print_not_deployed(const Context& context, const AgentConfig& agent) {
    if (context.common.json) {
        const json::object out = {
            {"config", config_of(agent)}, {"agent", nullptr}, {"endpoint", nullptr}};
        context.console().out(json::serialize(out) + "\n");
    } else {
        context.console().out(
            fmt::format("Agent {}\n  status    configured, not deployed\nNext: "
                        "agentcore deploy\n",
                        agent.name));
    }
    return {};
}

}  // namespace

Expected<> run(const Context& context, const StatusOptions& options) {
    AC_TRY(const ProjectFile project, ProjectFile::load(context.world.folder));
    AC_TRY(const AgentConfig agent, project.agent(options.agent));
    if (agent.runtime_id.empty()) return print_not_deployed(context, agent);
    AC_TRY(Connection connection, connect(context.world, context.common, agent.region));
    auto runtime = get_runtime(*connection.client, agent.runtime_id);
    if (!runtime && runtime.error().code == ExitCode::not_found)
        return failed(
            ExitCode::not_found,
            fmt::format("runtime {} is not on {}", agent.runtime_id, connection.url.text()),
            "Deploy it there: agentcore deploy");
    if (!runtime) return std::unexpected(runtime.error());
    const auto endpoint = get_endpoint(*connection.client, agent.runtime_id, "DEFAULT");
    const json::value endpoint_document = endpoint ? *endpoint : json::value();

    const json::object document = {
        {"config", config_of(agent)}, {"agent", *runtime}, {"endpoint", endpoint_document}};
    if (context.common.json)
        context.console().out(json::serialize(document) + "\n");
    else if (options.verbose)
        context.console().out(pretty(document) + "\n");
    else
        context.console().out(text_of(agent, *runtime, endpoint_document));
    return {};
}

}  // namespace ac::cli
