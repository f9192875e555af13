#include "cli/command/runtime_input.h"

#include <fmt/format.h>

#include "cli/command/connection.h"
#include "cli/command/shell.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kHashDigits = 24;  // 96 bits: no two packages meet by chance

}  // namespace

CodeLocation code_location(const AgentConfig& agent, const std::string& sha256) {
    const std::string name =
        fmt::format("{}/{}/deployment.zip", agent.name, sha256.substr(0, kHashDigits));
    if (agent.s3_path.empty())
        return {.bucket = fmt::format("bedrock-agentcore-code-{}-{}", agent.account, agent.region),
                .key = name};
    std::string path = agent.s3_path;
    if (path.starts_with("s3://")) path = path.substr(5);
    while (path.ends_with('/')) path.pop_back();
    const auto slash = path.find('/');
    if (slash == std::string::npos) return {.bucket = path, .key = name};
    return {.bucket = path.substr(0, slash), .key = path.substr(slash + 1) + "/" + name};
}

Expected<json::object> environment_variables(const std::vector<std::string>& texts) {
    json::object variables;
    for (const auto& text : texts) {
        const auto equals = text.find('=');
        if (equals == std::string::npos || !is_variable_name(text.substr(0, equals)))
            return failed(ExitCode::usage,
                          fmt::format("--env {} is not KEY=VALUE", text.substr(0, equals)));
        variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return variables;
}

json::object runtime_input(const AgentConfig& agent, const CodeLocation& code,
                           const json::object& environment, std::string_view requirements) {
    json::array entry_point;
    if (agent.observability &&
        requirements.find("aws-opentelemetry-distro") != std::string_view::npos)
        entry_point.emplace_back("opentelemetry-instrument");
    entry_point.emplace_back(agent.entrypoint.generic_string());

    json::object input;
    if (code.image.empty()) {
        input["agentRuntimeArtifact"] = {
            {"codeConfiguration",
             {{"code", {{"s3", {{"bucket", code.bucket}, {"prefix", code.key}}}}},
              {"runtime", agent.runtime},
              {"entryPoint", std::move(entry_point)}}}};
    } else {
        input["agentRuntimeArtifact"] = {
            {"containerConfiguration", {{"containerUri", code.image}}}};
    }
    input["roleArn"] = agent.execution_role.empty()
                           ? fmt::format("arn:aws:iam::{}:role/agentcore-runtime", agent.account)
                           : agent.execution_role;
    input["networkConfiguration"] = {{"networkMode", agent.network_mode}};
    input["protocolConfiguration"] = {{"serverProtocol", agent.protocol}};
    json::object lifecycle;
    if (agent.idle_timeout) lifecycle["idleRuntimeSessionTimeout"] = *agent.idle_timeout;
    if (agent.max_lifetime) lifecycle["maxLifetime"] = *agent.max_lifetime;
    if (!lifecycle.empty()) input["lifecycleConfiguration"] = std::move(lifecycle);
    if (!environment.empty()) input["environmentVariables"] = environment;
    const auto add = [&](const char* name, const json::value& value) {
        if (const auto* object = value.if_object(); object && !object->empty())
            input[name] = *object;
    };
    add("authorizerConfiguration", agent.authorizer);
    add("requestHeaderConfiguration", agent.request_headers);
    return input;
}

}  // namespace ac::cli
