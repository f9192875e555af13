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
    app->add_option("-r,--region", o->region, "Region");
}

template <class App>
void describe(std::pair<App*, std::shared_ptr<CodeReplOptions>> command) {
    auto [app, o] = command;
    app->add_option("-l,--language", o->language, "python, javascript or typescript");
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
}

template <class App, class Check>
void describe(std::pair<App*, std::shared_ptr<DeployOptions>> command, const Check& seconds) {
    auto [app, o] = command;
    app->add_option("-a,--agent", o->agent, "Agent [the default agent]");
    app->add_option("--env", o->env, "(-env) KEY=VALUE for the agent; may be repeated")
        ->expected(1)
        ->take_all();
    app->add_flag("--compat", o->compat, "Pack the compatibility package for older samples");
    app->add_option("--image", o->image,
                    "Run this container image: a name in a registry, or a tar of one");
    app->add_flag("--auto-update-on-conflict", o->update_on_conflict,
                  "(-auc) Update a runtime that has this name already");
    app->add_option("--timeout", o->timeout_s, "Seconds to wait until READY [1800]")
        ->check(seconds);
    app->add_flag("--force-rebuild-deps")
        ->description("Accepted: the daemon decides by content hash");
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
            if (!option->get_group().starts_with("Options of the official toolkit"))
                node.words.push_back({"--" + name, option->get_description()});
    nodes.push_back(std::move(node));
    for (const App* command : commands)
        add_completions(*command, path + ' ' + command->get_name(), nodes);
}

}  // namespace ac::cli
