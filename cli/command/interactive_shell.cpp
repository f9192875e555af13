#include <fmt/format.h>
#include <unistd.h>

#include "base/encoding.h"
#include "cli/command/deployed_agent.h"
#include "cli/command/shell.h"
#include "cli/net/services.h"
#include "cli/net/shell_link.h"

namespace ac::cli {
namespace {

constexpr int kPlatform = 125;  // the shell's end is not known, as of exec

net::RequestHead opening_request(AwsClient& client, Random& random, const AgentConfig& agent,
                                 const ShellOptions& options, const std::string& session) {
    Call call{.method = "GET"};
    call.target = fmt::format("/runtimes/{}/ws/shells?qualifier={}&shellId={}",
                              percent_encode(agent.runtime_arn), percent_encode(options.qualifier),
                              percent_encode(options.shell_id));
    call.headers.set("X-Amzn-Bedrock-AgentCore-Runtime-Session-Id", session);
    net::RequestHead head = client.signed_head(call);
    std::array<std::byte, 16> key{};
    random.fill(key);
    head.headers.set("Connection", "Upgrade");
    head.headers.set("Upgrade", "websocket");
    head.headers.set("Sec-WebSocket-Version", "13");
    head.headers.set("Sec-WebSocket-Key",
                     to_base64({reinterpret_cast<const char*>(key.data()), key.size()}));
    return head;
}

std::string how_to_return(const ShellRun& run) {
    return fmt::format("agentcore shell --session-id {} --shell-id {}",
                       shell_quoted(run.session_id), shell_quoted(run.shell_id));
}

Expected<> told(const Context& context, const ShellRun& run) {
    switch (run.ending) {
        case ShellEnding::exited: {
            if (run.exit_code == 0) return {};
            Failure failure(ExitCode::agent_error, "the shell ended");
            failure.exit_status = run.exit_code;
            return std::unexpected(std::move(failure));
        }
        case ShellEnding::detached:
            context.console().err("\nDetached. Back to it: " + how_to_return(run) + "\n");
            return {};
        case ShellEnding::taken_over:
            return failed(ExitCode::failed, "another connection took the shell over",
                          "Take it back: " + how_to_return(run));
        case ShellEnding::session_ended:
        case ShellEnding::broke_off:
            break;
    }
    const bool is_over = run.ending == ShellEnding::session_ended;
    Failure failure(ExitCode::failed, is_over ? "the session ended" : "the connection broke off",
                    is_over ? std::string() : "Back to the shell: " + how_to_return(run));
    context.console().err(failure.message + ". " + failure.next_step + "\n");
    failure.exit_status = kPlatform;
    return std::unexpected(std::move(failure));
}

}  // namespace

Expected<> run(const Context& context, const ShellOptions& options) {
    AC_TRY(DeployedAgent deployed, open_deployed(context, options.agent));
    Random& random = context.world.random;
    ShellOptions chosen = options;
    if (chosen.shell_id.empty()) chosen.shell_id = random_uuid(random);
    std::string session =
        options.session_id.empty() ? deployed.agent.session_id : options.session_id;
    if (session.empty()) session = random_uuid(random);
    if (context.console().in_is_terminal())
        context.console().err(
            fmt::format("Session {}; Ctrl-] leaves the shell running.\n", session));
    auto head = opening_request(deployed.client(), random, deployed.agent, chosen, session);
    AC_TRY(const ShellRun run, attach_shell(deployed.connection.url, context.world.clock, random,
                                            std::move(head), STDIN_FILENO, context.console()));
    return told(context, run);
}

}  // namespace ac::cli
