#include "cli/dev/launch_plan.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/json/parse.hpp>

#include "base/file.h"
#include "cli/daemon/program.h"
#include "cli/dev/python_start.h"
#include "cli/net/aws_client.h"
#include "cli/project/naming.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint16_t kPortsTried = 101;  // as the official toolkit
constexpr std::size_t kPackageBytesMax = 1 << 20;

bool is_node(const fs::path& entrypoint) {
    const std::string kind = entrypoint.extension();
    return kind == ".js" || kind == ".mjs" || kind == ".cjs" || kind == ".ts" || kind == ".mts";
}

bool has_dev_script(const fs::path& folder) {
    const auto text = read_file(folder / "package.json", kPackageBytesMax);
    if (!text) return false;
    boost::system::error_code error;
    const auto document = boost::json::parse(*text, error);
    return !error && member_at(member_at(document, "scripts"), "dev").is_string();
}

Expected<std::vector<std::string>> node_command(const World& world, const AgentConfig& agent) {
    const bool by_script = has_dev_script(agent.source);
    const char* const name = by_script ? "npm" : "node";
    const auto program = find_program(name, world.variable("PATH"));
    if (!program)
        return failed(ExitCode::not_found, fmt::format("{} is not in PATH", name),
                      "Install Node.js 22 or newer.");
    if (by_script) return std::vector<std::string>{program->string(), "run", "dev"};
    return std::vector<std::string>{program->string(), agent.entrypoint.string()};
}

// The interpreter with its own arguments.
Expected<std::vector<std::string>> python(const World& world, const AgentConfig& agent) {
    std::error_code error;
    if (const auto active = world.variable("VIRTUAL_ENV"); !active.empty())
        if (const fs::path file = fs::path(active) / "bin/python"; fs::exists(file, error))
            return std::vector{file.string()};
    if (const fs::path file = agent.source / ".venv/bin/python"; fs::exists(file, error))
        return std::vector{file.string()};
    const std::string path = world.variable("PATH");
    if (const auto uv = find_program("uv", path)) {
        std::vector<std::string> out{uv->string(), "run"};
        const fs::path requirements =
            agent.requirements.empty() ? agent.source / "requirements.txt" : agent.requirements;
        if (fs::exists(requirements, error))
            out.insert(out.end(), {"--with-requirements", requirements.string()});
        out.push_back("python");
        return out;
    }
    if (const auto system = find_program("python3", path)) return std::vector{system->string()};
    return failed(ExitCode::not_found, "there is no Python: no virtual environment, uv or python3",
                  "Make one: python3 -m venv .venv, and install the agent's requirements in it.");
}

bool is_free(std::uint16_t port) {
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;  // what only lingers after an earlier server is free
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

Expected<std::vector<std::string>> launch_command(const World& world, const AgentConfig& agent) {
    if (is_node(agent.entrypoint)) return node_command(world, agent);
    if (is_program(agent.source / agent.entrypoint))
        return std::vector<std::string>{(agent.source / agent.entrypoint).string()};
    if (agent.entrypoint.extension() != ".py")
        return failed(ExitCode::usage, fmt::format("{} is neither Python, JavaScript nor a program",
                                                   agent.entrypoint.string()));
    AC_TRY(auto command, python(world, agent));
    command.insert(command.end(),
                   {"-u", "-c", std::string(kPythonStart), agent.entrypoint.string()});
    return command;
}

std::uint16_t default_port(const AgentConfig& agent) {
    if (agent.protocol == "MCP") return 8000;
    return agent.protocol == "A2A" ? 9000 : 8080;
}

std::string invocation_path(const AgentConfig& agent) {
    if (agent.protocol == "MCP") return "/mcp";
    return agent.protocol == "A2A" ? "/" : "/invocations";
}

Expected<std::uint16_t> free_port(std::uint16_t wanted) {
    for (std::uint16_t i = 0; i < kPortsTried && wanted + i <= 65535; ++i)
        if (is_free(static_cast<std::uint16_t>(wanted + i)))
            return static_cast<std::uint16_t>(wanted + i);
    return failed(ExitCode::failed,
                  fmt::format("no port is free from {} to {}", wanted, wanted + kPortsTried - 1),
                  "Choose another with --port.");
}

}  // namespace ac::cli
