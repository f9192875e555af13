// The only file that includes CLI11 (3.8 s to compile), with the commands and most of their flags.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/completion.h"
#include "cli/describe_options.h"
#include "cli/long_names.h"
#include "cli/options.h"
#include "cli/version.h"

namespace ac::cli {
namespace {

// An option of the official toolkit that we do not have: said plainly instead of ignored.
struct Unsupported {
    std::string option, why;
};

class Parser final {
  public:
    Parser() : app_("agentcore: deploy and call agents on a self-hosted AgentCore", "agentcore") {
        app_.require_subcommand(1);
        app_.set_version_flag("--version", "agentcore " + std::string(kVersion));
        app_.footer(kFooter);
        add_configure();
        add_deploy("deploy", "Upload the agent's code and make it ready to be invoked");
        add_deploy("launch", "The same as deploy");
        add_invoke();
        add_inspection();
        add_sessions();
        add_destroy();
        add_code();
        add_memory();
        add_identity();
        add_access();
        add_issuer();
        add_models();
        add_usage();
        add_host();
        add_documentation();
    }

    Expected<std::variant<CommandLine, HelpText>> parse(std::vector<std::string> arguments) {
        expand_long_names(arguments);
        std::reverse(arguments.begin(), arguments.end());  // CLI11 pops from the back
        try {
            app_.parse(arguments);
        } catch (const CLI::CallForHelp&) {
            return HelpText{selected()->help()};
        } catch (const CLI::CallForAllHelp&) {
            return HelpText{app_.help("", CLI::AppFormatMode::All)};
        } catch (const CLI::CallForVersion&) {
            return HelpText{"agentcore " + std::string(kVersion) + "\n"};
        } catch (const CLI::ParseError& error) {
            return failed(ExitCode::usage, error.what(),
                          fmt::format("See `{} --help`.", path_of_selected()));
        }
        if (!unsupported_.empty())
            return failed(ExitCode::usage,
                          fmt::format("{} is not supported: {}.", unsupported_.front().option,
                                      unsupported_.front().why),
                          fmt::format("See `{} --help`.", path_of_selected()));
        if (!shell_.empty()) {
            std::vector<CompletionNode> nodes;
            add_completions(app_, "", nodes);
            AC_TRY(std::string script, completion_script(shell_, nodes));
            return HelpText{std::move(script)};
        }
        if (auto* man = std::get_if<ManOptions>(&command_)) {
            add_man_pages(app_, "agentcore", man->pages);
            if (man->folder.empty()) {
                AC_TRY(std::string page, man_text(man->pages, man->command));
                return HelpText{std::move(page)};
            }
        }
        return CommandLine{common_, std::move(command_)};
    }

  private:
    // Leaves the options object in `command_` when the subcommand was the one chosen.
    template <class Options>
    std::pair<CLI::App*, std::shared_ptr<Options>> add(CLI::App& parent, const std::string& name,
                                                       const std::string& description) {
        CLI::App* app = parent.add_subcommand(name, description);
        auto options = std::make_shared<Options>();
        app->add_flag("--json", common_.json, "Print one JSON document on stdout");
        app->add_option("--endpoint", common_.endpoint,
                        "URL of the daemon [AGENTCORE_ENDPOINT, else a local one]");
        app->add_option("--data-dir", common_.data_dir,
                        "Folder of the local daemon [AGENTCORE_DATA_DIR]");
        app->callback([this, app, options] {
            if (app->get_subcommands().empty()) command_ = *options;
        });
        return {app, options};
    }

    void refuse(CLI::App* app, const std::string& name, const std::string& why) {
        app->add_option_function<std::vector<std::string>>(
               name,
               [this, name, why](const std::vector<std::string>&) {
                   unsupported_.push_back({name.substr(0, name.find(',')), why});
               },
               "Not supported: " + why)
            ->expected(0, 1)
            ->group("Options of the official toolkit that are not supported");
    }

    void add_configure() {
        auto [app, o] = add<ConfigureOptions>(
            app_, "configure", "Write .bedrock_agentcore.yaml for an agent in this folder");
        app->require_subcommand(0, 1);
        app->add_option("-e,--entrypoint", o->entrypoint, "agent.py, or a folder that holds it");
        app->add_option("-n,--name", o->name, "Name of the agent");
        app->add_option("--requirements-file", o->requirements_file, "(-rf) Dependencies");
        app->add_option("--execution-role", o->execution_role, "(-er) Role name or ARN");
        app->add_option("-r,--region", o->region, "Region");
        app->add_option("-p,--protocol", o->protocol, "HTTP, MCP, A2A or AGUI");
        app->add_option("--runtime", o->runtime, "(-rt) PYTHON_3_10 .. PYTHON_3_14, NODE_22");
        app->add_option("--deployment-type", o->deployment_type, "(-dt) direct_code_deploy");
        app->add_option("--s3", o->s3_bucket, "(-s3) Bucket for the code");
        app->add_option("--authorizer-config", o->authorizer_config, "(-ac) JSON");
        app->add_option("--request-header-allowlist", o->request_header_allowlist,
                        "(-rha) Headers that reach the agent, separated by commas");
        app->add_option("--idle-timeout", o->idle_timeout, "Seconds without a call, 60-28800")
            ->check(CLI::Range(60, 28800));
        app->add_option("--max-lifetime", o->max_lifetime, "Seconds a session lives, 60-28800")
            ->check(CLI::Range(60, 28800));
        app->add_flag("--disable-otel", o->disable_otel, "(-do) No OpenTelemetry");
        app->add_flag("--disable-memory", o->disable_memory, "(-dm) No memory resource");
        app->add_flag("--non-interactive", o->non_interactive, "(-ni) Never ask");
        app->add_flag("-v,--verbose")->description("Accepted for compatibility");
        const std::string containers =
            "images are not built here; `deploy --image` runs one that is";
        for (const char* name : {"--ecr", "--container-runtime", "--code-build-execution-role"})
            refuse(app, name, containers);
        for (const char* name : {"--vpc", "--subnets", "--security-groups"})
            refuse(app, name, "network mode VPC is set through the API");
        refuse(app, "-c,--create", "creating a project from a template is not built yet");
        refuse(app, "--language", "it follows from --runtime");

        add<ConfigureListOptions>(*app, "list", "List the configured agents");
        auto [set_default, d] =
            add<ConfigureSetDefaultOptions>(*app, "set-default", "Choose the default agent");
        set_default->add_option("name", d->name, "Name of the agent")->required();
    }

    void add_deploy(const std::string& name, const std::string& description) {
        auto [app, o] = add<DeployOptions>(app_, name, description);
        describe(std::pair(app, o), CLI::Range(1, 86400));
        refuse(app, "-l,--local", "the daemon is local already; use deploy");
        refuse(app, "--local-build", "images are not built here; --image runs one that is");
        refuse(app, "--image-tag", "images are not built here; --image runs one that is");
        refuse(app, "--code-build", "there is no CodeBuild on this host");
    }

    void add_invoke() {
        auto [app, o] = add<InvokeOptions>(app_, "invoke", "Call the agent and print its answer");
        describe(std::pair(app, o), CLI::Range(1, 86400));
        refuse(app, "-l,--local", "the daemon is local already; deploy the agent first");
        app->add_option("--port", o->port, "Port of the development server")
            ->check(CLI::Range(1, 65535));
    }

    void add_inspection() {
        describe(add<StatusOptions>(app_, "status", "Show what is deployed"));
        describe(add<LogsOptions>(app_, "logs", "Print what the agent wrote"),
                 CLI::Range(1, 1'000'000));
        describe(add<DevOptions>(app_, "dev", "Run the agent here and restart it when it changes"),
                 CLI::Range(1, 65535));
    }

    void add_sessions() {
        auto list = add<SessionsOptions>(app_, "sessions", "List the agent's sessions");
        list.first->require_subcommand(0, 1);
        describe(list);
        describe(add<SessionsOptions>(*list.first, "list", "The same as without a verb"));
        describe(add<SessionsStopOptions>(*list.first, "stop", "End sessions now"));

        describe(add<ExecOptions>(app_, "exec", "Run a shell command in a session"),
                 CLI::Range(1, 3600));
        describe(add<ShellOptions>(app_, "shell", "An interactive shell in a session"));

        auto [stop, s] = add<StopSessionOptions>(app_, "stop-session", "End a session now");
        stop->add_option("-a,--agent", s->agent, "Agent [the default agent]");
        stop->add_option("-s,--session-id", s->session_id, "Session [the one used last]");
    }

    void add_destroy() {
        auto [app, o] = add<DestroyOptions>(app_, "destroy", "Delete what deploy created");
        app->add_option("-a,--agent", o->agent, "Agent [the default agent]");
        app->add_flag("--dry-run", o->dry_run, "Only say what would be deleted");
        app->add_flag("--force", o->force, "Do not ask");
        refuse(app, "--delete-ecr-repo", "there is no container registry on this host");
    }

    // A subcommand of `memory` that works on one memory.
    template <class Options>
    std::pair<CLI::App*, std::shared_ptr<Options>> add_on_memory(CLI::App& parent,
                                                                 const std::string& name,
                                                                 const std::string& description) {
        auto [app, o] = add<Options>(parent, name, description);
        app->add_option("memory", o->memory, "Id or name of the memory")->required();
        app->add_option("-r,--region", o->region, "Region");
        return {app, o};
    }

    template <class Options>
    void add_spaces(CLI::App* app, Options& options) {
        auto* exact = app->add_option("-n,--namespace", options.space, "Exactly this namespace");
        app->add_option("-p,--namespace-path", options.path, "This namespace and all below [/]")
            ->excludes(exact);
        app->add_option("--strategy", options.strategy, "Id of a strategy");
    }

    void add_models() {
        CLI::App* models = app_.add_subcommand("models", "Embedded chat models, keys for models");
        models->require_subcommand(1);
        add<ModelsListOptions>(*models, "list", "List them; * marks the default");
        auto [added, a] = add<ModelsAddOptions>(*models, "add", "Check and copy a GGUF file");
        added->add_option("file", a->file, "The file")->required();
        added->add_option("-n,--name", a->name, "Name [the file's]");
        added->add_flag("--default", a->make_default, "Make it the default");
        auto [removed, r] = add<ModelsRemoveOptions>(*models, "remove", "Delete an added model");
        removed->add_option("name", r->name, "Name")->required();
        auto [chosen, c] = add<ModelsDefaultOptions>(
            *models, "default", "Answer with this model from the next request on");
        chosen->add_option("name", c->name, "Name")->required();
        CLI::App* key = models->add_subcommand("key", "Keys for clients that cannot sign");
        key->require_subcommand(1);
        auto [made, m] = add<ModelKeyCreateOptions>(*key, "create", "Make one; printed once");
        made->add_option("name", m->name, "What it is for")->required();
        add<ModelKeyListOptions>(*key, "list", "List them, without the keys themselves");
        auto [deleted, d] = add<ModelKeyDeleteOptions>(*key, "delete", "It is refused from now on");
        deleted->add_option("id", d->id, "Its id")->required();
    }

    // A verb of `access user` and the like.
    template <class Options>
    std::pair<CLI::App*, std::shared_ptr<Options>> add_verb(CLI::App& parent,
                                                            const std::string& verb,
                                                            const std::string& description) {
        auto [app, o] = add<Options>(parent, verb, description);
        o->verb = verb;
        return {app, o};
    }

    void add_issuer() {
        CLI::App* issuer = app_.add_subcommand("issuer", "The development issuer of tokens");
        issuer->require_subcommand(1);
        add_verb<IssuerOptions>(*issuer, "show", "Print its discovery URL");
        add_verb<IssuerOptions>(*issuer, "rotate-keys", "Make a new signing key");
        CLI::App* client = issuer->add_subcommand("client", "Applications that get tokens");
        client->require_subcommand(1);
        add_verb<IssuerClientOptions>(*client, "list", "List them");
        auto [added, a] = add_verb<IssuerClientOptions>(*client, "add", "Add one");
        added->add_option("name", a->name, "What it is")->required();
        added
            ->add_option("-g,--grant", a->grants,
                         "client_credentials, authorization_code, or "
                         "urn:ietf:params:oauth:grant-type:token-exchange")
            ->required();
        added->add_option("--redirect-uri", a->redirect_uris, "Where logins may end");
        added->add_option("-s,--scope", a->scopes, "What it may ask for");
        added->add_option("--audience", a->audiences, "Whom its tokens are for");
        added->add_flag("--public", a->is_public, "Without a secret");
        auto [removed, r] = add_verb<IssuerClientOptions>(*client, "remove", "Remove one");
        removed->add_option("id", r->name, "Its client_id")->required();
        CLI::App* user = issuer->add_subcommand("user", "People who log in");
        user->require_subcommand(1);
        add_verb<IssuerUserOptions>(*user, "list", "List them");
        auto [made, m] = add_verb<IssuerUserOptions>(*user, "add", "Add one; asks for a password");
        made->add_option("name", m->name, "User name")->required();
        made->add_option("--email", m->email, "Email address");
        made->add_option("--password-file", m->password_file, "Read the password from here");
        auto [gone, g] = add_verb<IssuerUserOptions>(*user, "remove", "Remove one");
        gone->add_option("name", g->name, "User name")->required();
    }

    void add_access() {
        CLI::App* access =
            app_.add_subcommand("access", "Who may call what: users, keys, policies");
        access->require_subcommand(1);
        CLI::App* user = access->add_subcommand("user", "Users");
        user->require_subcommand(1);
        add_verb<AccessUserOptions>(*user, "list", "List the users");
        for (const char* verb : {"create", "show", "delete"}) {
            auto [app, o] = add_verb<AccessUserOptions>(*user, verb, std::string(verb) + " a user");
            app->add_option("name", o->name, "Name")->required();
        }
        CLI::App* key = access->add_subcommand("key", "Access keys");
        key->require_subcommand(1);
        for (const char* verb : {"list", "create", "enable", "disable", "delete"}) {
            auto [app, o] = add_verb<AccessKeyOptions>(*key, verb, std::string(verb) + " keys");
            app->add_option("-u,--user", o->user, "Whose [the caller's own]");
            if (verb != std::string("list") && verb != std::string("create"))
                app->add_option("key", o->key, "Id, AKIA...")->required();
        }
        add_roles(*access);
        add_policies(*access);
        auto [simulate, s] = add<AccessSimulateOptions>(
            *access, "simulate", "Say whether a call would be allowed, and by which statement");
        simulate->add_option("actions", s->actions, "s3:GetObject, ...")->required();
        simulate->add_option("-a,--as", s->as, "User, role/NAME, root or an ARN")->required();
        simulate->add_option("-r,--resource", s->resources, "ARN [*]");
        simulate->add_option("-c,--context", s->context, "KEY=VALUE of the request");
    }

    void add_identity() {
        CLI::App* identity =
            app_.add_subcommand("identity", "API keys, OAuth2 clients, workload identities");
        identity->require_subcommand(1);
        for (const std::string kind : {"api-key", "oauth2", "workload"}) {
            CLI::App* noun = identity->add_subcommand(kind, "Manage them");
            noun->require_subcommand(1);
            add_verb<IdentityOptions>(*noun, "list", "List them").second->kind = kind;
            for (const std::string verb : {"create", "update", "show", "delete"}) {
                auto [app, o] = add_verb<IdentityOptions>(*noun, verb, verb + " one");
                o->kind = kind;
                app->add_option("name", o->name, "Name")->required();
                if (verb == "create" || verb == "update") describe_values(*app, *o);
            }
        }
        auto [get, g] = add_verb<IdentityOptions>(*identity, "get", "Print an API key");
        get->add_option("name", g->name, "Name of the provider")->required();
        get->add_option("-w,--workload", g->workload, "Workload identity to use")->required();
        auto [audit, a] = add_verb<IdentityOptions>(*identity, "audit", "Who used what, and when");
        audit->add_option("--tail", a->tail, "Newest entries [50]")->check(CLI::Range(1, 10000));
        audit->add_option("-w,--workload", a->workload, "Only of this workload identity");
        audit->add_option("-p,--provider", a->provider, "Only of this provider");
        audit->add_flag("--verify", a->verify, "Check that no entry was changed or removed");
        add_verb<IdentityOptions>(*identity, "rotate-key", "Give the vault a new key");
    }

    void add_roles(CLI::App& access) {
        CLI::App* role = access.add_subcommand("role", "Roles");
        role->require_subcommand(1);
        add_verb<AccessRoleOptions>(*role, "list", "List the roles");
        auto [create, c] = add_verb<AccessRoleOptions>(*role, "create", "Create a role");
        create->add_option("name", c->name, "Name")->required();
        create->add_option("--trust", c->trust,
                           "Who may assume it: a file with a trust policy, an ARN, or a service "
                           "[bedrock-agentcore.amazonaws.com]");
        for (const char* verb : {"show", "delete"}) {
            auto [app, o] = add_verb<AccessRoleOptions>(*role, verb, std::string(verb) + " a role");
            app->add_option("name", o->name, "Name")->required();
        }
    }

    void add_policies(CLI::App& access) {
        CLI::App* policy = access.add_subcommand("policy", "Policies of users, roles and groups");
        policy->require_subcommand(1);
        for (const char* verb : {"list", "show", "put", "delete", "attach", "detach"}) {
            auto [app, o] =
                add_verb<AccessPolicyOptions>(*policy, verb, std::string(verb) + " policies");
            auto* of_user = app->add_option("-u,--user", o->user, "Of this user");
            app->add_option("--role", o->role, "Of this role")->excludes(of_user);
            if (verb == std::string("list")) continue;
            app->add_option("policy", o->policy, "Name; for attach and detach an ARN")->required();
            if (verb == std::string("put"))
                app->add_option("file", o->file, "JSON, or - for stdin")->required();
        }
    }

    void add_usage() {
        describe(add<UsageOptions>(app_, "usage", "Tokens, time and cost of model calls"),
                 CLI::Range(1, 400));
    }

    void add_code() {
        CLI::App* code = app_.add_subcommand("code", "Run code in a code interpreter's session");
        code->require_subcommand(1);
        describe(add<CodeRunOptions>(*code, "run", "Run a file, or -c CODE"));
        describe(add<CodeReplOptions>(*code, "repl", "One session, line by line"));
        describe(add<CodeForkOptions>(*code, "fork", "New sessions that go on from a live one"));
    }

    void add_memory() {
        CLI::App* memory = app_.add_subcommand("memory", "Memories: events and records");
        memory->require_subcommand(1);
        auto [create, c] = add<MemoryCreateOptions>(*memory, "create", "Create a memory");
        create->add_option("name", c->name, "Letters, digits and _")->required();
        create->add_option("-s,--strategies", c->strategies,
                           "semantic,summary,user_preference,episodic; a JSON array; or @FILE");
        create->add_option("-d,--description", c->description, "Description");
        create->add_option("-e,--event-expiry-days", c->event_expiry_days, "Days [90]")
            ->check(CLI::Range(1, 365));
        create->add_option("-r,--region", c->region, "Region");
        auto [list, l] = add<MemoryListOptions>(*memory, "list", "List the memories");
        list->add_option("-r,--region", l->region, "Region");
        add_on_memory<MemoryShowOptions>(*memory, "show", "Show a memory and its strategies");
        add_on_memory<MemoryShowOptions>(*memory, "get", "The same as show");
        auto [remove, d] = add_on_memory<MemoryDeleteOptions>(*memory, "delete", "Delete a memory");
        remove->add_flag("-f,--force", d->force, "Do not ask");
        add_memory_contents(*memory);
        add_memory_transfer(*memory);
    }

    void add_memory_contents(CLI::App& memory) {
        auto [events, e] = add_on_memory<MemoryEventsOptions>(
            memory, "events", "The actors; of an actor the sessions; of a session the events");
        events->add_option("-a,--actor", e->actor, "Actor");
        events->add_option("-s,--session", e->session, "Session of the actor");
        events->add_option("-b,--branch", e->branch, "Only this branch");
        events->add_option("-c,--count", e->count, "The newest [20]")
            ->check(CLI::Range(1, 1'000'000));
        auto [records, r] =
            add_on_memory<MemoryRecordsOptions>(memory, "records", "List records, newest first");
        add_spaces(records, *r);
        records->add_option("-c,--count", r->count, "The newest [20]")
            ->check(CLI::Range(1, 1'000'000));
        auto [search, s] =
            add_on_memory<MemorySearchOptions>(memory, "search", "Find records, best first");
        search->add_option("query", s->query, "What is looked for")->required();
        add_spaces(search, *s);
        search->add_option("-k,--top-k", s->top_k, "Records at most [10]")
            ->check(CLI::Range(1, 100));
        auto [jobs, j] = add_on_memory<MemoryJobsOptions>(memory, "jobs", "Failed extraction jobs");
        add_on_memory<MemoryRebuildOptions>(memory, "rebuild",
                                            "Make the records anew from the events");
        jobs->add_option("--retry", j->retry, "Start this job again, or all");
    }

    void add_memory_transfer(CLI::App& memory) {
        auto [out, o] = add_on_memory<MemoryExportOptions>(
            memory, "export", "Write events and records as JSON lines");
        out->add_option("-o,--output", o->output, "File [stdout]");
        auto [in, i] = add_on_memory<MemoryImportOptions>(
            memory, "import", "Store what export wrote; what is there already is left alone");
        in->add_option("file", i->input, "File, or - for stdin")->required();
        in->add_flag("--extract", i->extract,
                     "Make records from the events instead of storing the file's records");
    }

    void add_host() {
        auto [env, e] =
            add<EnvOptions>(app_, "env", "Print exports that point AWS clients at the daemon");
        env->add_option("-r,--region", e->region, "Region");
        env->add_flag("--transparent", e->transparent,
                      "Also for clients that insist on AWS's host names");
        add<DoctorOptions>(app_, "doctor", "Check this host and this project");

        CLI::App* daemon = app_.add_subcommand("daemon", "Control the local daemon");
        daemon->require_subcommand(1);
        add<DaemonOptions>(*daemon, "start", "Start it").second->action = DaemonAction::start;
        add<DaemonOptions>(*daemon, "stop", "Stop it").second->action = DaemonAction::stop;
        add<DaemonOptions>(*daemon, "status", "Say whether it runs").second->action =
            DaemonAction::status;
    }

    void add_documentation() {
        CLI::App* completion = app_.add_subcommand("completion", "Print a shell's completions");
        completion->add_option("shell", shell_, "bash, zsh or fish")->required();
        auto [man, m] = add<ManOptions>(app_, "man", "Print or write the manual pages");
        man->add_option("command", m->command, "Of this command, as in memory list");
        man->add_option("--dir", m->folder, "Write all of them into this folder (man1)");
    }

    CLI::App* selected() {
        CLI::App* app = &app_;
        while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
        return app;
    }

    std::string path_of_selected() {
        std::string path = app_.get_name();
        for (CLI::App* app = &app_; !app->get_subcommands().empty();) {
            app = app->get_subcommands().front();
            path += " " + app->get_name();
        }
        return path;
    }

    CLI::App app_;
    std::string shell_;  // of completion
    CommonOptions common_;
    CommandOptions command_;
    std::vector<Unsupported> unsupported_;
};

}  // namespace

Expected<std::variant<CommandLine, HelpText>> parse_arguments(std::vector<std::string> arguments) {
    return Parser().parse(std::move(arguments));
}

}  // namespace ac::cli
