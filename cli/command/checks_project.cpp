#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/file.h"
#include "cli/command/checks.h"
#include "cli/command/connection.h"
#include "cli/daemon/local_daemon.h"
#include "cli/daemon/program.h"
#include "cli/net/services.h"
#include "cli/project/naming.h"
#include "cli/project/project_file.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSourceBytesMax = 4 << 20;
constexpr Milliseconds kProgramTimeout{20'000};

Check project_check(std::string name, Verdict verdict, std::string detail,
                    std::string remedy = {}) {
    return {.group = "project",
            .name = std::move(name),
            .verdict = verdict,
            .detail = std::move(detail),
            .remedy = std::move(remedy)};
}

Check check_requirements(const AgentConfig& agent) {
    fs::path file = agent.requirements;
    if (file.empty()) file = find_requirements(agent.source).value_or("");
    if (file.empty())
        return project_check("requirements", Verdict::note,
                             "no requirements.txt: only the standard library will be there",
                             "echo bedrock-agentcore > requirements.txt");
    const std::string text = read_file(file, kSourceBytesMax).value_or("");
    if (to_lower(text).find("bedrock-agentcore") == std::string::npos &&
        !agent.runtime.starts_with("NODE"))
        return project_check("requirements", Verdict::note,
                             fmt::format("{} does not name bedrock-agentcore; the agent must serve "
                                         "/invocations and /ping on port 8080 itself",
                                         file.filename().string()));
    return project_check("requirements", Verdict::good, file.string());
}

// What can be known of "tested locally" without running somebody's code.
Check check_syntax(const Context& context, const AgentConfig& agent) {
    const fs::path file = agent.source / agent.entrypoint;
    if (file.extension() != ".py") return project_check("syntax", Verdict::good, "not checked");
    const auto python = find_program("python3", context.world.variable("PATH"));
    if (!python) return project_check("syntax", Verdict::note, "no python3 to check it with");
    const auto ran = run_captured(
        {python->string(), "-I", "-c",
         "import sys; compile(open(sys.argv[1], 'rb').read(), sys.argv[1], 'exec')", file.string()},
        context.world.environment, context.world.clock, kProgramTimeout);
    if (ran && ran->exit_status == 0)
        return project_check("syntax", Verdict::good, agent.entrypoint.string() + " compiles");
    std::string why = ran ? std::string(trim(ran->output)) : ran.error().message;
    why = why.substr(why.rfind('\n') + 1);
    return project_check("syntax", Verdict::missing, why,
                         fmt::format("python3 -m py_compile {}", agent.entrypoint.string()));
}

Check check_variables(const AgentConfig& agent) {
    const std::string source =
        read_file(agent.source / agent.entrypoint, kSourceBytesMax).value_or("");
    const auto names = required_variables(source);
    if (names.empty())
        return project_check("environment", Verdict::good, "the entry point requires no variable");
    std::string remedy = "agentcore deploy";
    for (const auto& name : names) remedy += fmt::format(" --env {}=...", name);
    return project_check("environment", Verdict::note,
                         fmt::format("the entry point requires {}", fmt::join(names, ", ")),
                         remedy);
}

Check check_deployed(const Context& context, const AgentConfig& agent) {
    if (agent.runtime_id.empty())
        return project_check("deployed", Verdict::note, "not deployed yet", "agentcore deploy");
    // Looking must not start a daemon.
    if (endpoint_of(context.world, context.common).empty()) {
        const auto dir = data_dir_of(context.world, context.common.data_dir);
        if (!dir || !LocalDaemon(context.world, *dir).find())
            return project_check("deployed", Verdict::note,
                                 agent.runtime_id + ", but the daemon does not run",
                                 "agentcore daemon start");
    }
    auto connection = connect(context.world, context.common, agent.region);
    if (!connection)
        return project_check("deployed", Verdict::missing, connection.error().message,
                             connection.error().next_step);
    const auto runtime = get_runtime(*connection->client, agent.runtime_id);
    if (!runtime)
        return project_check("deployed", Verdict::missing, runtime.error().message,
                             "agentcore deploy");
    const std::string status = text_at(*runtime, "status");
    const bool ready = status == "READY";
    return project_check("deployed", ready ? Verdict::good : Verdict::missing,
                         fmt::format("{} is {}", agent.runtime_id, status),
                         ready ? "" : "agentcore logs --build");
}

bool is_identifier(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '_';
    });
}

}  // namespace

std::vector<std::string> required_variables(std::string_view python) {
    constexpr std::string_view kOpening = "environ[";
    std::vector<std::string> names;
    for (auto at = python.find(kOpening); at != std::string_view::npos;
         at = python.find(kOpening, at + 1)) {
        std::string_view rest = python.substr(at + kOpening.size());
        if (rest.empty() || (rest.front() != '"' && rest.front() != '\'')) continue;
        const auto end = rest.find(rest.front(), 1);
        if (end == std::string_view::npos) continue;
        const auto name = rest.substr(1, end - 1);
        // os.environ["X"] = ... sets it.
        std::string_view after = rest.substr(end + 1);
        if (after.starts_with(']')) after.remove_prefix(1);
        after = trim(after);
        const bool assigned = after.starts_with('=') && !after.starts_with("==");
        if (is_identifier(name) && !assigned && std::ranges::find(names, name) == names.end())
            names.emplace_back(name);
    }
    return names;
}

std::vector<Check> check_project(const Context& context) {
    const auto project = ProjectFile::load(context.world.folder);
    if (!project && project.error().code == ExitCode::not_found)
        return {project_check("configured", Verdict::note, "no agent is configured in this folder",
                              "agentcore configure -e agent.py")};
    if (!project)
        return {project_check("configured", Verdict::missing, project.error().message,
                              project.error().next_step)};
    const auto agent = project->agent("");
    if (!agent)
        return {project_check("configured", Verdict::missing, agent.error().message,
                              agent.error().next_step)};
    std::vector<Check> checks;
    checks.push_back(project_check("configured", Verdict::good,
                                   fmt::format("agent {}, {}", agent->name, agent->runtime)));
    std::error_code error;
    const fs::path entrypoint = agent->source / agent->entrypoint;
    if (!fs::is_regular_file(entrypoint, error)) {
        checks.push_back(project_check("entry-point", Verdict::missing,
                                       entrypoint.string() + " does not exist",
                                       "agentcore configure -e agent.py"));
        return checks;
    }
    checks.push_back(check_requirements(*agent));
    checks.push_back(check_syntax(context, *agent));
    checks.push_back(check_variables(*agent));
    checks.push_back(project_check("permissions", Verdict::good,
                                   agent->execution_role.empty()
                                       ? "role agentcore-runtime, which needs no setting up here"
                                       : agent->execution_role));
    checks.push_back(agent->network_mode == "PUBLIC"
                         ? project_check("network", Verdict::good, "PUBLIC")
                         : project_check("network", Verdict::missing,
                                         agent->network_mode + " is not supported on this host",
                                         "set network_mode: PUBLIC in .bedrock_agentcore.yaml"));
    checks.push_back(check_deployed(context, *agent));
    return checks;
}

}  // namespace ac::cli
