#pragma once
// Flags of commands that need nothing of the parser but to be described, and what a shell
// completes. `App` is CLI::App, which only arguments.cpp includes.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/code_options.h"
#include "cli/completion.h"
#include "cli/options.h"

namespace ac::cli {

inline constexpr const char* kFooter =
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 no daemon, 4 not found, "
    "5 the agent answered an error, 6 timed out.";

template <class App>
void describe(std::pair<App*, std::shared_ptr<CodeRunOptions>> command) {
    auto [app, o] = command;
    app->add_option("file", o->file, "File, or - for stdin");
    app->add_option("-c,--code", o->code, "The code itself");
    app->add_option("-l,--language", o->language, "python, javascript or typescript");
    app->add_option("-i,--interpreter", o->interpreter, "Code interpreter's id");
    app->add_option("-u,--upload", o->uploads, "Put this file into the session first");
    app->add_option("-d,--download", o->downloads, "Fetch this file of the session afterwards");
    app->add_option("-s,--session", o->session, "Go on in this live session");
    app->add_flag("-k,--keep", o->keep, "Leave the session running and say its id");
    app->add_option("-r,--region", o->region, "Region");
}

template <class App, class Check>
void describe(std::pair<App*, std::shared_ptr<ExecOptions>> command, const Check& seconds) {
    auto [app, o] = command;
    app->add_option("command", o->command, "The command; after -- it may have options")->required();
    app->add_option("-a,--agent", o->agent, "Agent [the default agent]");
    app->add_option("-s,--session-id", o->session_id, "Session [the one used last]");
    app->add_option("--qualifier", o->qualifier, "Endpoint name [DEFAULT]");
    app->add_option("--timeout", o->timeout_s, "Seconds until it is killed [300]")->check(seconds);
    app->positionals_at_end();
}

template <class App>
void describe(std::pair<App*, std::shared_ptr<ShellOptions>> command) {
    auto [app, o] = command;
    app->add_option("-a,--agent", o->agent, "Agent [the default agent]");
    app->add_option("-s,--session-id", o->session_id, "Session [the one used last]");
    app->add_option("--shell-id", o->shell_id, "Back to this shell, or what to call the new one");
    app->add_option("--qualifier", o->qualifier, "Endpoint name [DEFAULT]");
}

template <class App>
void describe(std::pair<App*, std::shared_ptr<CodeReplOptions>> command) {
    auto [app, o] = command;
    app->add_option("-l,--language", o->language, "python, javascript or typescript");
    app->add_option("-i,--interpreter", o->interpreter, "Code interpreter's id");
    app->add_option("-s,--session", o->session, "Go on in this live session");
    app->add_flag("-k,--keep", o->keep, "Leave the session running and say its id");
    app->add_option("-r,--region", o->region, "Region");
}

template <class App>
void describe(std::pair<App*, std::shared_ptr<CodeForkOptions>> command) {
    auto [app, o] = command;
    app->add_option("session", o->session, "Id of the session")->required();
    app->add_option("-n,--count", o->count, "How many, at most 16");
    app->add_option("-i,--interpreter", o->interpreter, "Code interpreter's id");
    app->add_option("-r,--region", o->region, "Region");
}

template <class App, class Check>
void describe(std::pair<App*, std::shared_ptr<InvokeOptions>> command, const Check& seconds) {
    auto [app, o] = command;
    app->add_option("payload", o->payload, "JSON, plain text, or - for stdin")->required();
    app->add_option("-a,--agent", o->agent, "Agent [the default agent]");
    app->add_option("-s,--session-id", o->session_id, "Session [the one used last]");
    app->add_option("-u,--user-id", o->user_id, "User on whose behalf the agent acts");
    app->add_option("--bearer-token", o->bearer_token, "(-bt) Sent instead of a signature");
    app->add_option("--qualifier", o->qualifier, "Endpoint name [DEFAULT]");
    app->add_option("--headers", o->headers, "Name:value, separated by commas");
    app->add_option("--timeout", o->timeout_s, "Seconds to wait for output [960]")->check(seconds);
    app->add_flag("!--no-stream", o->stream, "Print the answer when it is complete");
    app->add_flag("-d,--dev", o->dev, "Call the development server (agentcore dev)");
}

template <class App>
void describe(std::pair<App*, std::shared_ptr<StatusOptions>> command) {
    auto [app, o] = command;
    app->add_option("-a,--agent", o->agent, "Agent [the default agent]");
    app->add_flag("-v,--verbose", o->verbose, "The service's own documents, as JSON");
}

template <class App, class Check>
void describe(std::pair<App*, std::shared_ptr<LogsOptions>> command, const Check& lines) {
    auto [app, o] = command;
    app->add_option("-a,--agent", o->agent, "Agent [the default agent]");
    app->add_option("-s,--session-id", o->session_id, "Only this session");
    app->add_option("--tail", o->tail, "Only the last N lines")->check(lines);
    app->add_flag("-f,--follow", o->follow, "Go on until interrupted");
    app->add_flag("--build", o->build, "The log of the last build instead");
}

template <class App, class Check>
void describe(std::pair<App*, std::shared_ptr<DevOptions>> command, const Check& port) {
    auto [app, o] = command;
    app->add_option("-a,--agent", o->agent, "Agent [the default agent]");
    app->add_option("-p,--port", o->port, "Port [PORT, else the protocol's: 8080, 8000, 9000]")
        ->check(port);
    app->add_option("--env", o->env, "(-env) KEY=VALUE for the agent; may be repeated")
        ->expected(1)
        ->take_all();
}

template <class App>
void describe(std::pair<App*, std::shared_ptr<SessionsOptions>> command) {
    auto [app, o] = command;
    app->add_option("-a,--agent", o->agent, "Agent [the default agent]");
}

template <class App>
void describe(std::pair<App*, std::shared_ptr<SessionsStopOptions>> command) {
    auto [app, o] = command;
    app->add_option("session-id", o->session_ids, "Sessions [the one used last]");
    app->add_option("-a,--agent", o->agent, "Agent [the default agent]");
    app->add_flag("--all", o->all, "Every session of the agent");
}

template <class App, class Check>
void describe(std::pair<App*, std::shared_ptr<DeployOptions>> command, const Check& seconds) {
    auto [app, o] = command;
    app->add_option("-a,--agent", o->agent, "Agent [the default agent]");
    app->add_option("--env", o->env, "(-env) KEY=VALUE for the agent; may be repeated")
        ->expected(1)
        ->take_all();
    app->add_flag("--compat", o->compat, "Pack the compatibility package for older samples");
    app->add_option(
        "--image", o->image,
        "Run this container image: a name in a registry, a tar or an OCI layout folder");
    app->add_flag("--auto-update-on-conflict", o->update_on_conflict,
                  "(-auc) Update a runtime that has this name already");
    app->add_option("--timeout", o->timeout_s, "Seconds to wait until READY [1800]")
        ->check(seconds);
    app->add_flag("--force-rebuild-deps")
        ->description("Accepted: the daemon decides by content hash");
}

template <class App, class Check>
void describe(std::pair<App*, std::shared_ptr<UsageOptions>> command, const Check& days) {
    auto [app, o] = command;
    app->add_option("-d,--days", o->days, "Today and the days before it [1]")->check(days);
    app->add_flag("--by-runtime", o->by_runtime, "One line a runtime");
    app->add_flag("--by-session", o->by_session, "One line a session");
    app->add_option("--runtime-id", o->runtime, "Only of this runtime");
    app->add_option("-s,--session-id", o->session, "Only of this session");
}

// The values of `identity KIND create` and `update`.
template <class App>
void describe_values(App& app, IdentityOptions& o) {
    if (o.kind == "workload") {
        app.add_option("--return-url", o.return_urls, "Where users may be sent back to");
        return;
    }
    app.add_option("-f,--from-file", o.file, "File with the value, - for stdin [a prompt]");
    if (o.verb == "create")
        app.add_option("--expires-at", o.expires_at, "2027-01-01T00:00:00Z [never]");
    if (o.kind == "api-key") return;
    app.add_option("--vendor", o.vendor, "GithubOauth2, ... [CustomOauth2]");
    app.add_option("--client-id", o.client_id, "The OAuth2 client's id")->required();
    app.add_option("--discovery-url", o.discovery_url, "Of a CustomOauth2 provider");
}

// Whether it is there only to be refused with a reason.
inline bool is_refused_group(const std::string& group) {
    return group.starts_with("Options of the official toolkit");
}

// What a shell completes: every command with its flags.
template <class App>
void add_completions(const App& app, const std::string& path, std::vector<CompletionNode>& nodes) {
    CompletionNode node{.path = path, .words = {}};
    const auto visible = [](const App*) { return true; };
    const auto commands = app.get_subcommands(visible);
    for (const App* command : commands)
        node.words.push_back({command->get_name(), command->get_description()});
    for (const auto* option : app.get_options())
        for (const std::string& name : option->get_lnames())
            if (!is_refused_group(option->get_group()))
                node.words.push_back({"--" + name, option->get_description()});
    nodes.push_back(std::move(node));
    for (const App* command : commands)
        add_completions(*command, path + ' ' + command->get_name(), nodes);
}

// A page for every command; `path` is "agentcore memory list".
template <class App>
void add_man_pages(const App& app, const std::string& path, std::vector<ManPage>& pages) {
    ManPage page{.path = path, .summary = app.get_description()};
    const auto visible = [](const App*) { return true; };
    const auto commands = app.get_subcommands(visible);
    for (const App* command : commands)
        page.commands.push_back({command->get_name(), command->get_description()});
    page.wants_command = app.get_require_subcommand_min() > 0;
    for (const auto* option : app.get_options()) {
        if (is_refused_group(option->get_group())) continue;
        ManOption described{.description = option->get_description(),
                            .is_required = option->get_required(),
                            .is_list = option->get_items_expected_max() > 1,
                            .takes_value = option->get_items_expected_max() > 0};
        for (const std::string& name : option->get_snames()) described.names.push_back("-" + name);
        for (const std::string& name : option->get_lnames()) described.names.push_back("--" + name);
        if (described.names.empty()) described.names.push_back(option->get_name(true));
        page.options.push_back(std::move(described));
    }
    pages.push_back(std::move(page));
    for (const App* command : commands)
        add_man_pages(*command, path + ' ' + command->get_name(), pages);
}

}  // namespace ac::cli
