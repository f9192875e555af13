#pragma once
// What a command line asks for, as values. arguments.cpp fills them.

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/access_options.h"
#include "cli/code_options.h"
#include "cli/failure.h"
#include "cli/issuer_options.h"
#include "cli/man_page.h"
#include "cli/memory_options.h"
#include "cli/models_options.h"

namespace ac::cli {

// Options that every command takes.
struct CommonOptions {
    bool json = false;
    std::string endpoint;  // empty: AGENTCORE_ENDPOINT, else the local daemon
    std::string data_dir;  // empty: AGENTCORE_DATA_DIR, else below XDG_DATA_HOME
};

struct ConfigureOptions {
    std::string entrypoint;
    std::string name;
    std::string requirements_file;
    std::string execution_role;
    std::string region;
    std::string protocol;
    std::string runtime;
    std::string deployment_type;
    std::string s3_bucket;
    std::string authorizer_config;
    std::string request_header_allowlist;
    std::optional<int> idle_timeout;
    std::optional<int> max_lifetime;
    bool non_interactive = false;
    bool disable_otel = false;
    bool disable_memory = false;
};

struct ConfigureListOptions {};

struct ConfigureSetDefaultOptions {
    std::string name;
};

struct DeployOptions {
    std::string agent;
    std::vector<std::string> env;  // KEY=VALUE
    bool update_on_conflict = false;
    bool compat = false;  // with the compatibility package of python/
    std::string image;    // a container image in place of code: a name, a tar or an OCI layout
    int timeout_s = 1800;
};

struct InvokeOptions {
    std::string payload;  // "-": stdin
    std::string agent;
    std::string session_id;
    std::string user_id;
    std::string bearer_token;
    std::string qualifier = "DEFAULT";
    std::string headers;  // name:value,name:value
    bool stream = true;
    int timeout_s = 960;
    bool dev = false;         // the development server of this project instead
    std::optional<int> port;  // of that; absent: where it says that it is
};

// `agentcore dev`: the agent of this folder as a process of this host.
struct DevOptions {
    std::string agent;
    std::optional<int> port;
    std::vector<std::string> env;  // KEY=VALUE
};

struct StatusOptions {
    std::string agent;
    bool verbose = false;
};

struct LogsOptions {
    std::string agent;
    std::string session_id;
    std::optional<int> tail;
    bool follow = false;
    bool build = false;
};

struct SessionsOptions {
    std::string agent;
};

struct SessionsStopOptions {
    std::string agent;
    std::vector<std::string> session_ids;
    bool all = false;
};

struct ExecOptions {
    std::vector<std::string> command;
    std::string agent;
    std::string session_id;
    std::string qualifier = "DEFAULT";
    int timeout_s = 300;
};

struct ShellOptions {
    std::string agent;
    std::string session_id;
    std::string shell_id;  // empty: a new one
    std::string qualifier = "DEFAULT";
};

struct StopSessionOptions {
    std::string agent;
    std::string session_id;
};

struct DestroyOptions {
    std::string agent;
    bool dry_run = false;
    bool force = false;
};

struct EnvOptions {
    std::string region;
    bool transparent = false;  // also for clients that insist on AWS's host names
};

struct ManOptions {
    std::vector<std::string> command;  // "memory", "list": only this one's page
    std::string folder;                // where all are written; empty: to stdout
    std::vector<ManPage> pages;
};

struct DoctorOptions {};

// `identity KIND VERB`, or one of the verbs that have no kind: get, audit, rotate-key.
struct IdentityOptions {
    std::string kind;  // "api-key", "oauth2", "workload"
    std::string verb;
    std::string name;
    std::string file;  // of the value; "-": stdin; empty: a prompt, or stdin without a terminal
    std::string vendor = "CustomOauth2";
    std::string client_id;
    std::string discovery_url;
    std::string expires_at;  // RFC 3339
    std::vector<std::string> return_urls;
    std::string workload;
    std::string provider;
    int tail = 50;
    bool verify = false;
};

struct UsageOptions {
    int days = 1;
    bool by_runtime = false;
    bool by_session = false;
    std::string runtime;  // only of this one
    std::string session;
};

enum class DaemonAction { start, stop, status };

struct DaemonOptions {
    DaemonAction action = DaemonAction::status;
};

using CommandOptions =
    std::variant<ConfigureOptions, ConfigureListOptions, ConfigureSetDefaultOptions, DeployOptions,
                 InvokeOptions, StatusOptions, LogsOptions, SessionsOptions, SessionsStopOptions,
                 DevOptions, ManOptions, ExecOptions, ShellOptions, StopSessionOptions,
                 DestroyOptions, EnvOptions, DoctorOptions, DaemonOptions, MemoryCreateOptions,
                 MemoryListOptions, MemoryShowOptions, MemoryDeleteOptions, MemoryEventsOptions,
                 MemoryRecordsOptions, MemorySearchOptions, MemoryJobsOptions, MemoryRebuildOptions,
                 MemoryExportOptions, MemoryImportOptions, ModelsListOptions, ModelsAddOptions,
                 ModelsRemoveOptions, ModelsDefaultOptions, ModelKeyCreateOptions,
                 ModelKeyListOptions, ModelKeyDeleteOptions, AccessUserOptions, AccessKeyOptions,
                 AccessRoleOptions, AccessPolicyOptions, AccessSimulateOptions, UsageOptions,
                 IdentityOptions, IssuerOptions, IssuerClientOptions, IssuerUserOptions,
                 CodeRunOptions, CodeReplOptions, CodeForkOptions>;

struct CommandLine {
    CommonOptions common;
    CommandOptions command;
};

// Help and version are no failure and no command: their text goes to stdout.
struct HelpText {
    std::string text;
};

// `arguments` without the program's name. Failures have code usage.
Expected<std::variant<CommandLine, HelpText>> parse_arguments(std::vector<std::string> arguments);

}  // namespace ac::cli
