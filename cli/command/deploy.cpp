#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/serialize.hpp>

#include "base/file.h"
#include "cli/command/commands.h"
#include "cli/command/connection.h"
#include "cli/command/runtime_input.h"
#include "cli/net/services.h"
#include "cli/package/source_archive.h"
#include "cli/project/naming.h"
#include "cli/project/project_file.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr Milliseconds kFirstLook{25};  // an agent without dependencies is ready at once
constexpr Milliseconds kLookAgainMax{500};
constexpr std::size_t kRequirementsBytesMax = 1 << 20;

// A zip that is gone when the command is.
class TemporaryFile final {
  public:
    explicit TemporaryFile(fs::path path) : path_(std::move(path)) {}
    ~TemporaryFile() {
        std::error_code error;
        fs::remove(path_, error);
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

// The compatibility package: PREFIX/share/agentcored/python, or python/ of a source tree.
Expected<fs::path> find_compat(const World& world) {
    std::error_code error;
    for (const char* const place : {"../share/agentcored/python", "../../../python"}) {
        const fs::path folder = (world.program.parent_path() / place).lexically_normal();
        if (fs::is_regular_file(folder / "sitecustomize.py", error)) return folder;
    }
    return failed(ExitCode::not_found, "the compatibility package is not installed",
                  "Use the agentcore of a source tree, or deploy without --compat");
}

// Beside the agent's code, where Python finds it at its start; the agent's own files win.
Expected<> add_compat(SourceTree& tree, const fs::path& folder) {
    AC_TRY(SourceTree compat, collect_sources(folder, {}));
    for (SourceFile& file : compat.files) {
        const bool wanted =
            file.name == "sitecustomize.py" ||
            (file.name.starts_with("agentcored_compat/") && file.name.ends_with(".py"));
        const bool taken =
            std::ranges::find(tree.files, file.name, &SourceFile::name) != tree.files.end();
        if (wanted && !taken) tree.files.push_back(std::move(file));
    }
    std::ranges::sort(tree.files, {}, &SourceFile::name);
    return {};
}

class Deployment final {
  public:
    Deployment(const Context& context, const DeployOptions& options)
        : context_(context), options_(options) {}

    Expected<> run() {
        AC_TRY(ProjectFile project, ProjectFile::load(context_.world.folder));
        AC_TRY(agent_, project.agent(options_.agent));
        AC_CHECK(check());
        AC_TRY(environment_, environment_variables(options_.env));
        AC_TRY(connection_, connect(context_.world, context_.common, agent_.region));
        agent_.region = connection_.region;
        AC_TRY(const auto account, caller_account(*connection_.client));
        if (account) agent_.account = *account;
        if (agent_.account.empty()) agent_.account = kDefaultAccount;

        AC_CHECK(upload());
        AC_CHECK(create_or_update());
        // Written before the build is over: a second deploy must find what this one made.
        project.put(agent_);
        AC_CHECK(project.save());
        AC_TRY(const json::value runtime, wait_until_ready());
        return report(runtime);
    }

  private:
    AwsClient& client() { return *connection_.client; }

    bool is_talking() const {
        return !context_.common.json || context_.console().err_is_terminal();
    }
    void say(std::string_view text) {
        if (is_talking()) context_.console().err(fmt::format("{}\n", text));
    }

    Expected<> check() {
        if (!options_.image.empty()) return {};
        if (agent_.deployment_type != "direct_code_deploy")
            return failed(ExitCode::usage,
                          fmt::format("agent {} has deployment type {}: agents are deployed as "
                                      "code here",
                                      agent_.name, agent_.deployment_type),
                          fmt::format("Run: agentcore configure -e {} -n {} -dt direct_code_deploy",
                                      agent_.entrypoint.string(), agent_.name));
        std::error_code error;
        if (!fs::is_regular_file(agent_.source / agent_.entrypoint, error))
            return failed(ExitCode::not_found,
                          fmt::format("entry point {} does not exist",
                                      (agent_.source / agent_.entrypoint).string()),
                          "Run: agentcore configure -e agent.py");
        if (agent_.runtime.empty()) agent_.runtime = default_runtime(agent_.entrypoint);
        return {};
    }

    // A tar goes into the bucket, and so does a folder as one; everything else is a name that the
    // daemon resolves.
    Expected<> upload_image() {
        const fs::path path = context_.world.folder / options_.image;
        std::error_code error;
        code_.image = options_.image;
        if (fs::is_directory(path, error)) {
            AC_TRY(const SourceTree layout, collect_layout(path));
            const TemporaryFile tar(temporary("tar"));
            AC_TRY(const Archive archive, write_tar(layout, tar.path()));
            return upload_image_file(archive.path, archive.sha256);
        }
        if (!fs::is_regular_file(path, error)) return {};
        AC_TRY(const std::string sha256, sha256_of_file(path));
        return upload_image_file(path, sha256);
    }

    Expected<> upload_image_file(const fs::path& path, const std::string& sha256) {
        code_ = code_location(agent_, sha256);
        code_.key += ".image.tar";
        code_.image = fmt::format("s3://{}/{}", code_.bucket, code_.key);
        return put(path, sha256, "image");
    }

    fs::path temporary(std::string_view suffix) const {
        return fs::temp_directory_path() /
               fmt::format("agentcore-{}.{}", random_uuid(context_.world.random), suffix);
    }

    // Unless it is there.
    Expected<> put(const fs::path& path, const std::string& sha256, std::string_view what) {
        sha256_ = sha256;
        AC_CHECK(ensure_bucket(client(), code_.bucket));
        AC_TRY(const bool there, object_exists(client(), code_.bucket, code_.key));
        if (there) {
            say(fmt::format("This {} is uploaded already.", what));
            return {};
        }
        std::error_code error;
        const std::uint64_t bytes = fs::file_size(path, error);
        AC_CHECK(
            put_object(client(), code_.bucket, code_.key, {.file = path, .bytes = bytes}, sha256));
        say(fmt::format("Uploaded to s3://{}/{}.", code_.bucket, code_.key));
        return {};
    }

    Expected<> upload() {
        if (!options_.image.empty()) return upload_image();
        AC_TRY(SourceTree tree, collect_agent(agent_.layout()));
        for (const auto& name : tree.left_out) say("  left out: " + name);
        if (!agent_.requirements.empty()) set_requirements(tree, agent_.requirements);
        if (options_.compat) {
            AC_TRY(const fs::path compat, find_compat(context_.world));
            AC_CHECK(add_compat(tree, compat));
        }
        read_requirements();
        const TemporaryFile zip(temporary("zip"));
        AC_TRY(const Archive archive, write_archive(tree, zip.path()));
        say(fmt::format("Packed {} files, {} KB.", archive.files, (archive.bytes + 1023) / 1024));
        code_ = code_location(agent_, archive.sha256);
        return put(archive.path, archive.sha256, "code");
    }

    void read_requirements() {
        fs::path file = agent_.requirements;
        if (file.empty() && !agent_.program_alone)
            file = find_requirements(agent_.source).value_or("");
        if (!file.empty()) requirements_ = read_file(file, kRequirementsBytesMax).value_or("");
    }

    Expected<> create_or_update() {
        if (!agent_.runtime_id.empty()) {
            const auto existing = get_runtime(client(), agent_.runtime_id);
            if (existing) return update();
            if (existing.error().code != ExitCode::not_found)
                return std::unexpected(existing.error());
            say(fmt::format("Runtime {} is not on this daemon; creating it anew.",
                            agent_.runtime_id));
            agent_.runtime_id.clear();
        }
        json::object input = runtime_input(agent_, code_, environment_, requirements_);
        input["agentRuntimeName"] = agent_.name;
        const auto created = create_runtime(client(), input);
        if (created) {
            created_ = true;
            return adopt(*created);
        }
        AC_TRY(const std::string existing, runtime_of_same_name());
        if (existing.empty()) return std::unexpected(created.error());
        if (!options_.update_on_conflict)
            return failed(
                ExitCode::failed,
                fmt::format("a runtime named {} exists already ({})", agent_.name, existing),
                "Update it with: agentcore deploy --auto-update-on-conflict");
        agent_.runtime_id = existing;
        return update();
    }

    Expected<std::string> runtime_of_same_name() {
        AC_TRY(const json::array runtimes, list_runtimes(client()));
        for (const auto& runtime : runtimes)
            if (text_at(runtime, "agentRuntimeName") == agent_.name)
                return text_at(runtime, "agentRuntimeId");
        return std::string();
    }

    Expected<> update() {
        const json::object input = runtime_input(agent_, code_, environment_, requirements_);
        AC_TRY(const json::value updated, update_runtime(client(), agent_.runtime_id, input));
        return adopt(updated);
    }

    Expected<> adopt(const json::value& runtime) {
        agent_.runtime_id = text_at(runtime, "agentRuntimeId");
        agent_.runtime_arn = text_at(runtime, "agentRuntimeArn");
        version_ = text_at(runtime, "agentRuntimeVersion");
        // Running sessions keep the version that they began with; the next call gets the new one.
        agent_.session_id.clear();
        say(fmt::format("{} {}, version {}.", created_ ? "Created" : "Updated", agent_.runtime_id,
                        version_));
        return {};
    }

    Expected<json::value> wait_until_ready() {
        const SteadyTime deadline =
            context_.world.clock.steady() + std::chrono::seconds(options_.timeout_s);
        std::string status_before;
        for (Milliseconds wait = kFirstLook;; wait = std::min(2 * wait, kLookAgainMax)) {
            AC_TRY(const json::value runtime, get_runtime(client(), agent_.runtime_id));
            const std::string status = text_at(runtime, "status");
            const bool ended = status == "READY" || status.ends_with("FAILED");
            if (ended) show_build_log();  // its last lines come before what they led to
            if (status != status_before) say(fmt::format("Status {}.", status));
            if (!ended) show_build_log();
            status_before = status;
            if (status == "READY") return runtime;
            if (status.ends_with("FAILED")) return build_failed(runtime, status);
            if (context_.world.clock.steady() > deadline)
                return failed(ExitCode::timed_out,
                              fmt::format("{} is still {} after {} s", agent_.runtime_id, status,
                                          options_.timeout_s),
                              "It goes on: agentcore status");
            pause(context_.world.clock, wait);
        }
    }

    // Prints what was added since the last look; a log that cannot be read is no reason to fail.
    void show_build_log() {
        const auto log = build_log(client(), agent_.runtime_id, version_);
        if (!log || log->size() <= build_log_shown_) return;
        const auto end = log->rfind('\n');
        if (end == std::string::npos || end < build_log_shown_) return;
        const bool colour = context_.console().colour();
        std::string_view added =
            std::string_view(*log).substr(build_log_shown_, end - build_log_shown_);
        build_log_shown_ = end + 1;
        while (!added.empty()) {
            const auto line_end = added.find('\n');
            say(paint(colour, Colour::dim, fmt::format("  {}", added.substr(0, line_end))));
            added = line_end == std::string_view::npos ? std::string_view()
                                                       : added.substr(line_end + 1);
        }
    }

    std::unexpected<Failure> build_failed(const json::value& runtime, const std::string& status) {
        std::string reason = text_at(runtime, "failureReason");
        if (reason.empty()) reason = "no reason was given";
        // The lines after the first quote the log, which was just shown.
        if (is_talking() && build_log_shown_ > 0) reason = reason.substr(0, reason.find('\n'));
        return failed(ExitCode::failed, fmt::format("{}: {}", status, reason),
                      "The whole log: agentcore logs --build");
    }

    Expected<> report(const json::value& runtime) {
        if (context_.common.json) {
            const json::object out = {{"agent", agent_.name},
                                      {"agentRuntimeId", agent_.runtime_id},
                                      {"agentRuntimeArn", agent_.runtime_arn},
                                      {"agentRuntimeVersion", version_},
                                      {"status", text_at(runtime, "status")},
                                      {"created", created_},
                                      {"bucket", code_.bucket},
                                      {"key", code_.key},
                                      {"sha256", sha256_}};
            context_.console().out(json::serialize(out) + "\n");
            return {};
        }
        context_.console().out(fmt::format("Deployed {}\n  ARN  {}\nNext: {}\n", agent_.name,
                                           agent_.runtime_arn, first_invocation(agent_.protocol)));
        return {};
    }

    const Context& context_;
    const DeployOptions& options_;
    AgentConfig agent_;
    json::object environment_;
    Connection connection_;
    std::string requirements_;
    CodeLocation code_;
    std::string sha256_;
    std::string version_;
    bool created_ = false;
    std::size_t build_log_shown_ = 0;
};

}  // namespace

Expected<> run(const Context& context, const DeployOptions& options) {
    return Deployment(context, options).run();
}

}  // namespace ac::cli
