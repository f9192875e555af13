#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"
#include "cli/command/answer.h"
#include "cli/command/commands.h"
#include "cli/command/connection.h"
#include "cli/project/naming.h"
#include "cli/project/project_file.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

// Asks on a terminal, takes the default otherwise.
class Questions final {
  public:
    Questions(Console& console, bool ask) : console_(console), ask_(ask) {}

    std::string answer(std::string_view question, const std::string& given,
                       const std::string& fallback) {
        if (!given.empty() || !ask_) return given.empty() ? fallback : given;
        return ask(console_, question, fallback);
    }

  private:
    Console& console_;
    bool ask_;
};

Expected<fs::path> requirements_of(const fs::path& folder, const SourceLayout& layout,
                                   Questions& questions, const std::string& given) {
    const auto found = find_requirements(layout.source);
    const std::string fallback = found ? found->lexically_relative(folder).string() : std::string();
    const std::string answer = questions.answer("Requirements file", given, fallback);
    if (answer.empty()) return fs::path();
    const fs::path path = (folder / answer).lexically_normal();
    std::error_code error;
    if (!fs::is_regular_file(path, error))
        return failed(ExitCode::not_found,
                      fmt::format("requirements file {} does not exist", answer),
                      "Name a requirements.txt or a pyproject.toml.");
    // What lies in the source folder under its usual name is found there at each deploy.
    return found && path == *found ? fs::path() : path;
}

Expected<json::value> json_option(std::string_view option, const std::string& text) {
    if (text.empty()) return json::value();
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    if (error || !value.is_object())
        return failed(ExitCode::usage, fmt::format("{} must be a JSON object", option));
    return value;
}

json::value header_allowlist(const std::string& text) {
    json::array names;
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        if (const auto name = trim(rest.substr(0, comma)); !name.empty()) names.emplace_back(name);
        rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    }
    if (names.empty()) return nullptr;
    return json::object{{"requestHeaderAllowlist", std::move(names)}};
}

// A role's name stands for a role of this account.
std::string role_arn(const std::string& role, const std::string& account) {
    if (role.empty() || role.starts_with("arn:")) return role;
    return fmt::format("arn:aws:iam::{}:role/{}",
                       account.empty() ? kDefaultAccount : std::string_view(account), role);
}

Expected<> check_values(const AgentConfig& agent) {
    if (!is_agent_name(agent.name))
        return failed(
            ExitCode::usage,
            fmt::format("{} is not a valid agent name: a letter, then up to 47 letters, "
                        "digits and underscores",
                        agent.name),
            fmt::format("Perhaps: agentcore configure -n {}", sanitise_agent_name(agent.name)));
    if (!is_region(agent.region))
        return failed(ExitCode::usage, fmt::format("{} is not a region", agent.region),
                      "Use a name such as us-west-2.");
    if (agent.deployment_type != "direct_code_deploy")
        return failed(ExitCode::usage,
                      fmt::format("deployment type {} is not supported: agents are deployed as "
                                  "code",
                                  agent.deployment_type),
                      "Use --deployment-type direct_code_deploy, which is the default.");
    if (agent.idle_timeout && agent.max_lifetime && *agent.idle_timeout > *agent.max_lifetime)
        return failed(ExitCode::usage, "--idle-timeout is longer than --max-lifetime");
    return {};
}

Expected<> apply_choices(AgentConfig& agent, const ConfigureOptions& o, Questions& questions,
                         const World& world) {
    const std::string runtime_before =
        agent.runtime.empty() ? default_runtime(agent.entrypoint) : agent.runtime;
    const std::string runtime = questions.answer("Runtime", o.runtime, runtime_before);
    const auto canonical = canonical_runtime(runtime);
    if (!canonical)
        return failed(ExitCode::usage, fmt::format("{} is not a runtime", runtime),
                      "Use PYTHON_3_10 to PYTHON_3_14, or NODE_22.");
    agent.runtime = *canonical;
    agent.region = questions.answer("Region", o.region, region_of(world, agent.region));
    const auto protocol = canonical_protocol(o.protocol.empty() ? agent.protocol : o.protocol);
    if (!protocol)
        return failed(ExitCode::usage, fmt::format("{} is not a protocol", o.protocol),
                      "Use HTTP, MCP, A2A or AGUI.");
    agent.protocol = *protocol;
    if (!o.execution_role.empty()) agent.execution_role = role_arn(o.execution_role, agent.account);
    if (!o.s3_bucket.empty())
        agent.s3_path = o.s3_bucket.starts_with("s3://") ? o.s3_bucket : "s3://" + o.s3_bucket;
    if (o.idle_timeout) agent.idle_timeout = o.idle_timeout;
    if (o.max_lifetime) agent.max_lifetime = o.max_lifetime;
    if (o.disable_otel) agent.observability = false;
    if (!o.authorizer_config.empty()) {
        AC_TRY(agent.authorizer, json_option("--authorizer-config", o.authorizer_config));
    }
    if (!o.request_header_allowlist.empty())
        agent.request_headers = header_allowlist(o.request_header_allowlist);
    return {};
}

// What an earlier configure wrote for that name, so that flags change only what they name.
AgentConfig agent_before(const ProjectFile& project, const std::string& name) {
    const auto names = project.agent_names();
    if (std::ranges::find(names, name) != names.end())
        if (auto agent = project.agent(name)) return *agent;
    return AgentConfig{.name = name,
                       .deployment_type = "direct_code_deploy",
                       .network_mode = "PUBLIC",
                       .protocol = "HTTP"};
}

json::object summary_of(const AgentConfig& agent) {
    return {{"name", agent.name},
            {"entrypoint", agent.entrypoint.string()},
            {"sourcePath", agent.source.string()},
            {"runtime", agent.runtime},
            {"region", agent.region},
            {"protocol", agent.protocol}};
}

}  // namespace

Expected<> run(const Context& context, const ConfigureOptions& o) {
    Console& console = context.console();
    const fs::path folder = context.world.folder;
    Questions questions(console, !o.non_interactive && console.in_is_terminal() &&
                                     console.err_is_terminal() && !context.common.json);
    AC_TRY(ProjectFile project, ProjectFile::load_or_new(folder));
    const std::string entrypoint =
        questions.answer("Entry point (file or folder)", o.entrypoint, ".");
    AC_TRY(const SourceLayout layout, locate_entrypoint(folder, entrypoint));
    const std::string name = questions.answer("Agent name", o.name, infer_agent_name(layout));

    AgentConfig agent = agent_before(project, name);
    agent.source = layout.source;
    agent.entrypoint = layout.entrypoint;
    agent.program_alone = layout.program_alone;
    if (!o.deployment_type.empty()) agent.deployment_type = o.deployment_type;
    AC_CHECK(apply_choices(agent, o, questions, context.world));
    AC_CHECK(check_values(agent));
    const bool is_native = is_program(layout.source / layout.entrypoint);
    if (!is_native) {
        AC_TRY(agent.requirements, requirements_of(folder, layout, questions, o.requirements_file));
    }
    project.put(agent);
    project.set_default(agent.name);
    AC_CHECK(project.save());

    if (context.common.json) {
        json::object out = summary_of(agent);
        out["file"] = (folder / kProjectFileName).string();
        console.out(json::serialize(out) + "\n");
        return {};
    }
    const bool no_requirements =
        !is_native && agent.requirements.empty() && !find_requirements(layout.source).has_value();
    console.out(fmt::format(
        "Configured agent {} in {}\n  entry point  {}\n  runtime      {}\n"
        "  region       {}\n  protocol     {}\n",
        agent.name, kProjectFileName,
        (agent.source / agent.entrypoint).lexically_relative(folder).string(),
        is_native ? "a program of its own" : agent.runtime, agent.region, agent.protocol));
    if (no_requirements)
        console.err(
            "No requirements.txt or pyproject.toml: only the standard library will be "
            "there.\n");
    console.out("Next: agentcore deploy\n");
    return {};
}

Expected<> run(const Context& context, const ConfigureListOptions&) {
    AC_TRY(const ProjectFile project, ProjectFile::load(context.world.folder));
    json::array agents;
    std::string text;
    for (const auto& name : project.agent_names()) {
        AC_TRY(const AgentConfig agent, project.agent(name));
        const bool is_default = name == project.default_agent();
        json::object entry = summary_of(agent);
        entry["default"] = is_default;
        entry["agentRuntimeArn"] = agent.runtime_arn;
        agents.push_back(std::move(entry));
        text += fmt::format("{}{}\n  entry point  {}\n  region       {}\n  deployed     {}\n", name,
                            is_default ? " (default)" : "", agent.entrypoint.string(), agent.region,
                            agent.runtime_arn.empty() ? "no" : agent.runtime_arn);
    }
    if (text.empty()) text = "No agent is configured.\n";
    context.console().out(context.common.json
                              ? json::serialize(json::object{{"agents", std::move(agents)}}) + "\n"
                              : text);
    return {};
}

Expected<> run(const Context& context, const ConfigureSetDefaultOptions& options) {
    AC_TRY(ProjectFile project, ProjectFile::load(context.world.folder));
    AC_TRY(const AgentConfig agent, project.agent(options.name));
    project.set_default(agent.name);
    AC_CHECK(project.save());
    context.console().out(context.common.json
                              ? json::serialize(json::object{{"defaultAgent", agent.name}}) + "\n"
                              : fmt::format("{} is the default agent.\n", agent.name));
    return {};
}

}  // namespace ac::cli
