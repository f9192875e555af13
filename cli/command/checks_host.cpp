#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "base/encoding.h"
#include "cli/command/checks.h"
#include "cli/command/connection.h"
#include "cli/daemon/local_daemon.h"
#include "cli/daemon/program.h"
#include "embedded/model_store.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr Milliseconds kProgramTimeout{20'000};
constexpr std::uint64_t kDiskBytesWanted = 2ULL << 30;
constexpr rlim_t kFilesWanted = 8192;

// The first line that the program prints, or nullopt when it is absent or fails.
std::optional<std::string> ask_program(const Context& context, const std::string& name,
                                       std::vector<std::string> arguments) {
    const auto file = find_program(name, context.world.variable("PATH"));
    if (!file) return std::nullopt;
    arguments.insert(arguments.begin(), file->string());
    const auto ran =
        run_captured(arguments, context.world.environment, context.world.clock, kProgramTimeout);
    if (!ran || ran->exit_status != 0) return std::nullopt;
    return ran->output.substr(0, ran->output.find('\n'));
}

Check check_python(const Context& context) {
    Check check{.group = "host", .name = "python"};
    const auto version = ask_program(
        context, "python3", {"-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"});
    check.detail = version ? "Python " + *version : "python3 is not in PATH";
    int minor = 0;
    if (version && version->starts_with("3.")) minor = std::atoi(version->c_str() + 2);
    if (minor < 10) {
        check.verdict = Verdict::missing;
        check.detail += "; agents need 3.10 or newer";
        check.remedy = "apt-get install python3";
    }
    return check;
}

Check check_venv(const Context& context) {
    Check check{.group = "host", .name = "python-venv", .detail = "venv and ensurepip"};
    if (ask_program(context, "python3", {"-c", "import venv, ensurepip; print('ok')"}))
        return check;
    check.detail = "dependencies cannot be installed without it";
    check.verdict = Verdict::missing;
    check.remedy = "apt-get install python3-venv";
    return check;
}

Check check_optional(const Context& context, const std::string& name, std::string without,
                     std::string remedy) {
    Check check{.group = "host", .name = name};
    if (const auto version = ask_program(context, name, {"--version"})) {
        check.detail = *version;
    } else {
        check.verdict = Verdict::note;
        check.detail = "not found: " + std::move(without);
        check.remedy = std::move(remedy);
    }
    return check;
}

Check check_open_files() {
    Check check{.group = "host", .name = "open-files"};
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    check.detail =
        limit.rlim_max == RLIM_INFINITY ? "unlimited" : fmt::format("at most {}", limit.rlim_max);
    if (limit.rlim_max < kFilesWanted) {
        check.verdict = Verdict::note;
        check.detail += fmt::format("; 1000 sessions need {}", kFilesWanted);
        check.remedy = fmt::format("ulimit -Hn {}", kFilesWanted);
    }
    return check;
}

Check check_data_dir(const Context& context) {
    Check check{.group = "host", .name = "data-dir"};
    const auto dir = data_dir_of(context.world, context.common.data_dir);
    if (!dir) {
        check.verdict = Verdict::missing;
        check.detail = dir.error().message;
        check.remedy = "export AGENTCORE_DATA_DIR=/var/lib/agentcore";
        return check;
    }
    fs::path existing = *dir;
    std::error_code error;
    while (!fs::exists(existing, error) && existing.has_relative_path())
        existing = existing.parent_path();
    check.detail = dir->string();
    if (::access(existing.c_str(), W_OK) != 0) {
        check.verdict = Verdict::missing;
        check.detail += " cannot be written";
        check.remedy = fmt::format("chown {} {}", ::getuid(), existing.string());
        return check;
    }
    struct statvfs disk{};
    if (::statvfs(existing.c_str(), &disk) == 0) {
        const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
        check.detail += fmt::format(", {} MB free", free >> 20);
        if (free < kDiskBytesWanted) check.verdict = Verdict::note;
    }
    return check;
}

Check check_models(const Context& context) {
    Check check{.group = "host", .name = "embedded-models"};
    const auto installed = embedded::find_installed_models(context.world.program.parent_path());
    const auto dir = data_dir_of(context.world, context.common.data_dir);
    const embedded::ModelStore store(dir ? *dir / "models" : fs::path(), installed);
    if (const auto chosen = store.chosen(); chosen && !installed.empty()) {
        check.detail = fmt::format("{} answers", chosen->name);
        return check;
    }
    check.verdict = Verdict::note;
    check.detail = "none: models of other providers only, embeddings without meaning";
    check.remedy = "./dev setup";
    return check;
}

}  // namespace

std::vector<Check> check_host(const Context& context) {
    return {check_python(context),
            check_venv(context),
            check_optional(context, "uv", "dependencies are installed with pip, which is slower",
                           "pip install uv"),
            check_optional(context, "git", "requirements that name git repositories fail",
                           "apt-get install git"),
            check_open_files(),
            check_data_dir(context),
            check_models(context)};
}

std::vector<Check> isolation_checks(std::string_view probe_output) {
    std::vector<Check> checks;
    boost::system::error_code error;
    const json::value report = json::parse(probe_output, error);
    const auto* layers = member_at(report, "layers").if_array();
    if (!layers) {
        checks.push_back({.group = "isolation",
                          .name = "probe",
                          .verdict = Verdict::missing,
                          .detail = "agentcored --probe did not print a report",
                          .remedy = {}});
        return checks;
    }
    for (const auto& layer : *layers) {
        const bool there =
            member_at(layer, "available").is_bool() && member_at(layer, "available").get_bool();
        checks.push_back({.group = "isolation",
                          .name = text_at(layer, "name"),
                          .verdict = there ? Verdict::good : Verdict::missing,
                          .detail = text_at(layer, "detail"),
                          .remedy = there ? std::string() : text_at(layer, "remedy")});
    }
    return checks;
}

std::vector<Check> check_isolation(const Context& context) {
    if (!endpoint_of(context.world, context.common).empty())
        return {{.group = "isolation",
                 .name = "probe",
                 .verdict = Verdict::note,
                 .detail = "the daemon may run on another host; run doctor there without an "
                           "endpoint",
                 .remedy = {}}};
    const LocalDaemon daemon(context.world, {});
    const auto program = daemon.program();
    if (!program)
        return {{.group = "isolation",
                 .name = "agentcored",
                 .verdict = Verdict::missing,
                 .detail = program.error().message,
                 .remedy = "./dev build"}};
    const auto ran = run_captured({program->string(), "--probe"}, context.world.environment,
                                  context.world.clock, kProgramTimeout);
    return isolation_checks(ran ? ran->output : std::string());
}

std::vector<Check> check_daemon(const Context& context) {
    Check check{.group = "daemon", .name = "reachable"};
    const std::string endpoint = endpoint_of(context.world, context.common);
    if (endpoint.empty()) {
        const auto dir = data_dir_of(context.world, context.common.data_dir);
        const auto running =
            dir ? LocalDaemon(context.world, *dir).find() : std::optional<RunningDaemon>();
        check.detail = running ? fmt::format("{} (pid {})", running->url.text(), running->pid)
                               : "not running; deploy and invoke start it";
        if (!running) {
            check.verdict = Verdict::note;
            check.remedy = "agentcore daemon start";
        }
        return {check};
    }
    auto url = parse_url(endpoint);
    Expected<std::unique_ptr<Reply>> reply = std::unexpected(Failure(ExitCode::usage, ""));
    if (url) {
        auto link = make_http_link(*url, context.world.clock);
        net::RequestHead head{.method = "GET", .target = "/healthz", .headers = {}};
        reply = link->open(std::move(head), {}, kProgramTimeout);
    }
    check.detail = endpoint;
    if (!url || !reply || (*reply)->head().status != 200) {
        check.verdict = Verdict::missing;
        check.detail =
            !url     ? url.error().message
            : !reply ? reply.error().message
                     : fmt::format("{} answers {} on /healthz", endpoint, (*reply)->head().status);
        check.remedy = "agentcored --listen HOST:PORT, and AGENTCORE_ENDPOINT=http://HOST:PORT";
    }
    return {check};
}

}  // namespace ac::cli
