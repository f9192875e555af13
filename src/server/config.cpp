#include "server/config.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <functional>
#include <map>
#include <optional>

#include "base/file.h"
#include "crypto/signature.h"
#include "net/url.h"

namespace ac::server {
namespace {

constexpr std::size_t kConfigBytesMax = 1 << 20;

Error invalid(std::string message) {
    return {.code = ErrorCode::invalid_argument, .message = std::move(message)};
}

Result<> set_address(std::string& host, std::uint16_t& port, const std::string& text) {
    const auto colon = text.rfind(':');
    const char* end = text.data() + text.size();
    if (colon == std::string::npos || colon == 0) return fail(invalid("want HOST:PORT"));
    std::uint16_t number = 0;
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, number);
    if (error != std::errc{} || stop != end) return fail(invalid("the port is a number to 65535"));
    host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    port = number;
    return {};
}

Result<> set_listen(Config& config, const std::string& text) {
    return set_address(config.host, config.port, text);
}

Result<> set_transparent(Config& config, const std::string& text) {
    if (text == "off") return config.transparent_host.clear(), Result<>{};
    AC_CHECK(set_address(config.transparent_host, config.transparent_port, text));
    in_addr address{};
    if (inet_pton(AF_INET, config.transparent_host.c_str(), &address) != 1)
        return fail(invalid("want an IPv4 address and port, or off"));
    return {};
}

Result<> set_account(Config& config, const std::string& text) {
    if (text.size() != 12 || text.find_first_not_of("0123456789") != std::string::npos)
        return fail(invalid("an account is 12 digits"));
    config.account = text;
    return {};
}

Result<> set_public_url(Config& config, const std::string& text) {
    const auto url = net::parse_url(text);
    if (!url || url->target != "/") return fail(invalid("want http(s)://HOST[:PORT]"));
    config.public_url = url->origin();
    return {};
}

Result<> set_issuer_url(Config& config, const std::string& text) {
    const auto url = net::parse_url(text);
    if (!url || text.ends_with('/') || text.find_first_of("?#") != std::string::npos)
        return fail(invalid("want a URL without query, fragment and final slash"));
    config.issuer_url = text;
    return {};
}

Result<> set_issuer_algorithm(Config& config, const std::string& text) {
    if (!signature_algorithm_from(text))
        return fail(invalid("want RS256, PS256, ES256, EdDSA or another of their families"));
    config.issuer_algorithm = text;
    return {};
}

Result<> set_log_level(Config& config, const std::string& text) {
    static const std::map<std::string, log::Level> kLevels = {{"debug", log::Level::debug},
                                                              {"info", log::Level::info},
                                                              {"warn", log::Level::warn},
                                                              {"error", log::Level::error}};
    const auto found = kLevels.find(text);
    if (found == kLevels.end()) return fail(invalid("want debug, info, warn or error"));
    config.log_level = found->second;
    return {};
}

Result<> set_log_format(Config& config, const std::string& text) {
    if (text != "json" && text != "text") return fail(invalid("want json or text"));
    config.log_format = text == "json" ? log::Format::json : log::Format::text;
    return {};
}

Result<> set_unknown_role(Config& config, const std::string& text) {
    if (text != "development" && text != "refused")
        return fail(invalid("want development or refused"));
    config.unknown_role =
        text == "refused" ? access::UnknownRole::refused : access::UnknownRole::development;
    return {};
}

template <class Number>
Result<> set_number(Number& out, const std::string& text, Number least, Number most) {
    Number value{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    const bool is_between = value >= least && value <= most;  // "nan" is not
    if (error != std::errc{} || stop != end || !is_between)
        return fail(invalid(fmt::format("want a number from {} to {}", least, most)));
    out = value;
    return {};
}

Result<> set_flag(bool& out, const std::string& text) {
    if (text != "true" && text != "false") return fail(invalid("want true or false"));
    out = text == "true";
    return {};
}

Result<> set_issuer_enabled(Config& config, const std::string& text) {
    return set_flag(config.issuer_enabled, text);
}

Result<> set_python_exact(Config& config, const std::string& text) {
    return set_flag(config.python_exact, text);
}

Result<> set_execution_max(Config& config, const std::string& text) {
    std::int64_t seconds = 0;
    AC_CHECK(set_number<std::int64_t>(seconds, text, 1, 8 * 3600));
    config.interpreter_limits.execution_max = Seconds{seconds};
    return {};
}

Result<> set_seconds(Seconds& value, const std::string& text) {
    std::int64_t seconds = 0;
    AC_CHECK(set_number<std::int64_t>(seconds, text, 1, 86'400));
    value = Seconds{seconds};
    return {};
}

Result<> set_interpreter_memory(Config& config, const std::string& text) {
    std::uint64_t mib = 0;
    AC_CHECK(set_number<std::uint64_t>(mib, text, 64, 1 << 20));
    config.interpreter_limits.memory_bytes_max = mib << 20;
    return {};
}

using Setter = std::function<Result<>(Config&, const std::string&)>;
using ListSetter = std::function<void(Config&, std::vector<std::string>)>;

// tidy: allow function-length: a table, one entry a key
const std::map<std::string, Setter, std::less<>>& setters() {
    static const std::map<std::string, Setter, std::less<>> kSetters = {
        {"listen", set_listen},
        {"data_dir",
         [](Config& c, const std::string& v) -> Result<> { return c.data_dir = v, Result<>{}; }},
        {"account", set_account},
        {"threads",
         [](Config& c, const std::string& v) {
             return set_number<std::size_t>(c.threads, v, 0, 256);
         }},
        {"drain_seconds",
         [](Config& c, const std::string& v) {
             return set_number<std::int64_t>(c.drain_seconds, v, 0, 3600);
         }},
        {"run_as",
         [](Config& c, const std::string& v) -> Result<> { return c.run_as = v, Result<>{}; }},
        {"access.unknown_runtime_role", set_unknown_role},
        {"log.level", set_log_level},
        {"log.format", set_log_format},
        {"database.postgres",
         [](Config& c, const std::string& v) -> Result<> { return c.postgres = v, Result<>{}; }},
        {"public_url", set_public_url},
        {"issuer.enabled", set_issuer_enabled},
        {"issuer.url", set_issuer_url},
        {"issuer.algorithm", set_issuer_algorithm},
        {"tls.certificate",
         [](Config& c, const std::string& v) -> Result<> {
             return c.tls_certificate = v, Result<>{};
         }},
        {"tls.key",
         [](Config& c, const std::string& v) -> Result<> { return c.tls_key = v, Result<>{}; }},
        {"transparent.listen", set_transparent},
        {"outbound.ca_file",
         [](Config& c, const std::string& v) -> Result<> {
             return c.outbound_ca_file = v, Result<>{};
         }},
        {"identity.key_file",
         [](Config& c, const std::string& v) -> Result<> {
             return c.vault_key_file = v, Result<>{};
         }},
        {"identity.credential_bytes_max",
         [](Config& c, const std::string& v) {
             return set_number<std::size_t>(c.credential_bytes_max, v, 1, 65'536);
         }},
        {"identity.credentials_max",
         [](Config& c, const std::string& v) {
             return set_number<std::size_t>(c.credentials_max, v, 0, 1'000'000);
         }},
        {"core_dumps", [](Config& c, const std::string& v) { return set_flag(c.core_dumps, v); }},
        {"runtime.python_installer",
         [](Config& c, const std::string& v) -> Result<> {
             return c.python_installer = v, Result<>{};
         }},
        {"runtime.python_exact", set_python_exact},
        {"runtime.node",
         [](Config& c, const std::string& v) -> Result<> { return c.node = v, Result<>{}; }},
        {"runtime.init_seconds_max",
         [](Config& c, const std::string& v) {
             return set_number<std::uint32_t>(c.init_seconds_max, v, 1, 3600);
         }},
        {"runtime.session_memory_mib_max",
         [](Config& c, const std::string& v) {
             return set_number<std::uint64_t>(c.session_memory_mib_max, v, 32, 1 << 20);
         }},
        {"runtime.session_processors_max",
         [](Config& c, const std::string& v) {
             return set_number<double>(c.session_processors_max, v, 0.1, 1024);
         }},
        {"runtime.sessions_max",
         [](Config& c, const std::string& v) {
             return set_number<std::size_t>(c.sessions_max, v, 1, 100'000);
         }},
        {"runtime.pool.guests_max",
         [](Config& c, const std::string& v) {
             return set_number<std::size_t>(c.pool.guests_max, v, 0, 10'000);
         }},
        {"runtime.pool.version_guests_max",
         [](Config& c, const std::string& v) {
             return set_number<std::size_t>(c.pool.version_guests_max, v, 0, 10'000);
         }},
        {"runtime.pool.burst_guests_max",
         [](Config& c, const std::string& v) {
             return set_number<std::size_t>(c.pool.burst_guests_max, v, 0, 10'000);
         }},
        {"runtime.templates_bytes_max",
         [](Config& c, const std::string& v) {
             return set_number<std::uint64_t>(c.pool.templates_bytes_max, v, 0, 1ULL << 50);
         }},
        {"runtime.templates_max",
         [](Config& c, const std::string& v) {
             return set_number<std::size_t>(c.pool.templates_max, v, 0, 1000);
         }},
        {"runtime.pool.idle_seconds",
         [](Config& c, const std::string& v) { return set_seconds(c.pool.idle, v); }},
        {"runtime.idle_seconds_max",
         [](Config& c, const std::string& v) { return set_seconds(c.session_idle_max, v); }},
        {"code_interpreter.environment",
         [](Config& c, const std::string& v) -> Result<> {
             return c.interpreter_environment = v, Result<>{};
         }},
        {"code_interpreter.root",
         [](Config& c, const std::string& v) -> Result<> {
             return c.interpreter_root = v, Result<>{};
         }},
        {"code_interpreter.deno",
         [](Config& c, const std::string& v) -> Result<> {
             return c.interpreter_deno = v, Result<>{};
         }},
        {"code_interpreter.node",
         [](Config& c, const std::string& v) -> Result<> {
             return c.interpreter_node = v, Result<>{};
         }},
        {"code_interpreter.pool",
         [](Config& c, const std::string& v) {
             return set_number<std::size_t>(c.interpreter_limits.pool, v, 0, 1000);
         }},
        {"code_interpreter.pool_max",
         [](Config& c, const std::string& v) {
             return set_number<std::size_t>(c.interpreter_limits.pool_max, v, 0, 1000);
         }},
        {"code_interpreter.sessions_max",
         [](Config& c, const std::string& v) {
             return set_number<std::size_t>(c.interpreter_limits.sessions_max, v, 1, 100'000);
         }},
        {"code_interpreter.execution_seconds_max", set_execution_max},
        {"code_interpreter.memory_mib_max", set_interpreter_memory},
        {"code_interpreter.processors_max",
         [](Config& c, const std::string& v) -> Result<> {
             std::uint32_t whole = 0;
             AC_CHECK(set_number<std::uint32_t>(whole, v, 1, 1024));
             c.interpreter_limits.processors_max = whole;
             return {};
         }},
    };
    return kSetters;
}

const std::map<std::string, ListSetter, std::less<>>& list_setters() {
    static const std::map<std::string, ListSetter, std::less<>> kSetters = {
        {"outbound.allow",
         [](Config& c, std::vector<std::string> v) { c.outbound_allow = std::move(v); }},
        {"identity.customer_keys",
         [](Config& c, std::vector<std::string> v) { c.customer_keys = std::move(v); }},
        {"egress.allow",
         [](Config& c, std::vector<std::string> v) { c.egress_allow = std::move(v); }},
        {"egress.networks",
         [](Config& c, std::vector<std::string> v) { c.egress_networks = std::move(v); }},
        {"builds.networks",
         [](Config& c, std::vector<std::string> v) { c.build_networks = std::move(v); }},
        {"egress.vpc_networks",
         [](Config& c, std::vector<std::string> v) { c.egress_vpc_networks = std::move(v); }},
        {"sandbox.accept_missing",
         [](Config& c, std::vector<std::string> v) { c.accept_missing = std::move(v); }},
        {"runtime.python_interpreters",
         [](Config& c, std::vector<std::string> v) { c.python_interpreters = std::move(v); }},
    };
    return kSetters;
}

Result<> apply(Config& config, const std::string& key, const YAML::Node& node);

Result<> apply_map(Config& config, const std::string& prefix, const YAML::Node& node) {
    for (const auto& entry : node) {
        const auto name = entry.first.as<std::string>();
        AC_CHECK(apply(config, prefix.empty() ? name : prefix + "." + name, entry.second));
    }
    return {};
}

Result<> apply(Config& config, const std::string& key, const YAML::Node& node) {
    if (key == "models") {
        AC_TRY(config.models, models::parse_models_config(node));
        if (const YAML::Node own = node["embedded"]; own.IsDefined()) {
            AC_TRY(config.embedded, embedded::parse_embedded_config(own));
        }
        return {};
    }
    if (key == "memory") {
        AC_TRY(config.memory, parse_memory_config(node));
        return {};
    }
    if (key == "registries") {
        AC_TRY(config.registries, parse_registries(node));
        return {};
    }
    const int line = node.Mark().line + 1;
    if (const auto list = list_setters().find(key); list != list_setters().end()) {
        if (!node.IsSequence())
            return fail(invalid(fmt::format("line {}: {} is a list", line, key)));
        list->second(config, node.as<std::vector<std::string>>());
        return {};
    }
    if (node.IsMap()) return apply_map(config, key, node);
    const auto setter = setters().find(key);
    if (setter == setters().end())
        return fail(invalid(fmt::format("line {}: unknown key {}", line, key)));
    if (!node.IsScalar()) return fail(invalid(fmt::format("line {}: {} is one value", line, key)));
    if (auto set = setter->second(config, node.as<std::string>()); !set)
        return fail(invalid(fmt::format("line {}: {}: {}", line, key, set.error().message)));
    return {};
}

}  // namespace

Result<Config> parse_config(std::string_view yaml, Config defaults) {
    try {
        const YAML::Node root = YAML::Load(std::string(yaml));
        if (root.IsNull()) return defaults;
        if (!root.IsMap()) return fail(invalid("the file is a map of keys"));
        AC_CHECK(apply_map(defaults, "", root));
        return defaults;
    } catch (const YAML::Exception& error) {
        return fail(invalid(fmt::format("line {}: {}", error.mark.line + 1, error.msg)));
    }
}

std::string_view usage() {
    return R"(agentcored: a self-hosted Amazon Bedrock AgentCore

usage: agentcored [--listen HOST:PORT] [--data-dir DIR] [--config FILE]
       agentcored --probe      what this host can isolate, as JSON
       agentcored --version

  --listen HOST:PORT   default 127.0.0.1:7070; port 0 picks a free one
  --data-dir DIR       database, blobs, keys and logs
  --config FILE        YAML; see docs/reference/configuration.md
)";
}

Result<CommandLine> parse_command_line(const std::vector<std::string>& arguments,
                                       std::filesystem::path default_data_dir) {
    CommandLine line;
    std::map<std::string, std::string> values;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        if (argument == "--help" || argument == "-h")
            line.action = CommandLine::Action::help;
        else if (argument == "--version")
            line.action = CommandLine::Action::version;
        else if (argument == "--probe")
            line.action = CommandLine::Action::probe;
        else if (argument == "--listen" || argument == "--data-dir" || argument == "--config") {
            if (++i == arguments.size()) return fail(invalid(argument + " wants a value"));
            values[argument] = arguments[i];
        } else {
            return fail(invalid(fmt::format("unknown argument {}", argument)));
        }
    }
    line.config.data_dir = std::move(default_data_dir);
    if (const auto file = values.find("--config"); file != values.end()) {
        AC_TRY(const std::string text, read_file(file->second, kConfigBytesMax));
        auto parsed = parse_config(text, line.config);
        if (!parsed) return fail(invalid(file->second + ": " + parsed.error().message));
        line.config = *std::move(parsed);
    }
    if (const auto listen = values.find("--listen"); listen != values.end())
        if (auto set = set_listen(line.config, listen->second); !set)
            return fail(invalid("--listen: " + set.error().message));
    if (const auto folder = values.find("--data-dir"); folder != values.end()) {
        if (folder->second.empty()) return fail(invalid("--data-dir: the folder has no name"));
        line.config.data_dir = folder->second;
    }
    return line;
}

}  // namespace ac::server
