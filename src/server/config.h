#pragma once
// What an operator can set: built-in defaults, then the YAML file, then the command line. Every
// key is in docs/reference/configuration.md with its unit. An unknown key is an error, so that a
// misspelt limit does not silently stay at its default.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "access/access_service.h"
#include "base/log.h"
#include "base/result.h"
#include "embedded/config.h"
#include "interpreter/limits.h"
#include "models/config.h"
#include "runtime/pool_options.h"
#include "server/memory_config.h"
#include "server/registries_config.h"

namespace ac::server {

struct Config {
    // listen: HOST:PORT. Loopback unless told otherwise; port 0 picks a free one.
    std::string host = "127.0.0.1";
    std::uint16_t port = 7070;
    std::filesystem::path data_dir;
    // The AWS account that the root key belongs to, 12 digits.
    std::string account = "000000000000";
    // Event loops; 0 is one a processor.
    std::size_t threads = 0;
    // How long SIGTERM waits for requests under way.
    std::int64_t drain_seconds = 30;
    // The user that the daemon becomes when it was started by root; empty: it stays, without
    // capabilities.
    std::string run_as;

    // access.unknown_runtime_role: what a runtime may call whose role is not kept here.
    access::UnknownRole unknown_role = access::UnknownRole::development;

    log::Level log_level = log::Level::info;
    log::Format log_format = log::Format::json;

    // issuer.*: the development issuer, an OpenID provider below /issuer.
    bool issuer_enabled = false;
    std::string issuer_url;                  // its "iss"; empty: {public_url or address}/issuer
    std::string issuer_algorithm = "ES256";  // of tokens of its own

    // database.postgres: a libpq connection string; empty: SQLite in the data folder.
    std::string postgres;

    // How clients reach this server, as in https://agents.example.com, where that is not what their
    // Host header says (behind a proxy); empty: as they say.
    std::string public_url;

    // tls.*: PEM files; both or neither.
    std::string tls_certificate;
    std::string tls_key;

    // transparent.listen: where clients that insist on AWS's host names are served; no host: off.
    std::string transparent_host = "127.0.0.1";
    std::uint16_t transparent_port = 0;  // 0: the one of the last time, else a free one

    // outbound.*: calls to servers that configurations name (discovery, tokens, webhooks).
    Registries registries;
    std::vector<std::string> outbound_allow;  // address blocks allowed beside the public ones
    std::string outbound_ca_file;             // PEM; empty: the system's authorities

    // egress.*: what agents reach: the first two with network mode PUBLIC, the third with VPC.
    std::vector<std::string> egress_allow = {"*"};  // host patterns, see egress/rules.h
    std::vector<std::string> egress_networks;       // address blocks beside the public ones
    std::vector<std::string> egress_vpc_networks;   // address blocks, no others

    // builds.networks: address blocks that installers of packages reach beside the public ones.
    std::vector<std::string> build_networks;

    // sandbox.accept_missing: names of layers to do without (see `agentcored --probe`).
    std::vector<std::string> accept_missing;

    // identity.*
    std::string vault_key_file;               // empty: vault-keys.json in the data folder
    std::vector<std::string> customer_keys;   // ARN=FILE, what SetTokenVaultCMK may name
    std::size_t credential_bytes_max = 4096;  // an API key or client secret
    std::size_t credentials_max = 100;        // credential providers an account and region
    // Whether the kernel may write a dump when the daemon crashes: it would hold sessions' data.
    bool core_dumps = false;

    // runtime.*
    std::string python_installer;          // path of uv; empty: found in PATH, else pip
    std::uint32_t init_seconds_max = 120;  // from an agent's start until it listens
    std::string node;  // of agents for Node.js; empty: the one of the interpreter's environment
    std::vector<std::string> python_interpreters;  // further folders to look for python3.N in
    bool python_exact = false;                     // refuse another minor version than asked for
    std::size_t sessions_max = 1000;
    std::uint64_t session_memory_mib_max = 2048;
    double session_processors_max = 2.0;
    Seconds session_idle_max{28'800};
    // runtime.pool.*: guests that are started before there is a session for them.
    runtime::PoolOptions pool{.guests_max = 128,
                              .version_guests_max = 4,
                              .burst_guests_max = 100,
                              .templates_max = 16,
                              .templates_bytes_max = 1ULL << 30,
                              .idle = Seconds{300}};

    // code_interpreter.*
    std::string interpreter_environment;  // a venv; empty: the one beside the program, if any
    std::string interpreter_root;         // a root file system of sessions' own
    std::string interpreter_deno;         // these two empty: the environment's, else the root's
    std::string interpreter_node;
    interpreter::InterpreterLimits interpreter_limits;

    // models.*
    models::ModelsConfig models;

    // memory.*
    MemoryConfig memory;
    // models.embedded.*
    embedded::EmbeddedConfig embedded;
};

struct CommandLine {
    Config config;
    enum class Action { serve, probe, help, version } action = Action::serve;
};

// `error` texts are for people: they name the flag, file, line and key.
Result<Config> parse_config(std::string_view yaml, Config defaults);
Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments,
                                       std::filesystem::path default_data_dir);
std::string_view usage();

}  // namespace ac::server
