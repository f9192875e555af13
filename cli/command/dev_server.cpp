#include "cli/command/dev_server.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/file.h"
#include "cli/command/answer_view.h"
#include "cli/daemon/local_daemon.h"
#include "cli/dev/launch_plan.h"
#include "cli/net/aws_client.h"
#include "crypto/hash.h"

namespace ac::cli {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::size_t kRecordBytesMax = 4096;

}  // namespace

Expected<AgentConfig> dev_agent(const World& world, const std::string& name) {
    std::error_code error;
    const fs::path fallback = "src/main.py";
    if (!fs::exists(world.folder / kProjectFileName, error) &&
        fs::exists(world.folder / fallback, error))
        return AgentConfig{.name = "default", .source = world.folder, .entrypoint = fallback};
    AC_TRY(ProjectFile project, ProjectFile::load(world.folder));
    return project.agent(name);
}

Expected<DevRecord> DevRecord::of(const Context& context, const AgentConfig& agent) {
    AC_TRY(const fs::path data_dir, data_dir_of(context.world, context.common.data_dir));
    const std::string key = sha256_hex(context.world.folder.string() + "\n" + agent.name);
    return DevRecord(data_dir / "dev" / (key.substr(0, 16) + ".json"));
}

std::optional<DevServer> DevRecord::read() const {
    const auto text = read_file(file_, kRecordBytesMax);
    if (!text) return std::nullopt;
    boost::system::error_code error;
    const json::value document = json::parse(*text, error);
    const auto* port = error ? nullptr : member_at(document, "port").if_int64();
    if (!port || *port < 1 || *port > 65535) return std::nullopt;
    return DevServer{.port = static_cast<std::uint16_t>(*port),
                     .session = text_at(document, "session")};
}

Expected<> DevRecord::write(const DevServer& server) const {
    std::error_code error;
    fs::create_directories(file_.parent_path(), error);
    const json::object document = {{"port", server.port}, {"session", server.session}};
    AC_CHECK(write_file(file_, json::serialize(document) + "\n"));
    return {};
}

void DevRecord::remove() const {
    std::error_code error;
    fs::remove(file_, error);
}

Expected<> invoke_dev(const Context& context, const InvokeOptions& options, std::string payload) {
    AC_TRY(const AgentConfig agent, dev_agent(context.world, options.agent));
    AC_TRY(const DevRecord record, DevRecord::of(context, agent));
    DevServer server = record.read().value_or(DevServer{.port = default_port(agent)});
    if (options.port) server.port = static_cast<std::uint16_t>(*options.port);
    if (!options.session_id.empty()) server.session = options.session_id;
    if (server.session.empty()) server.session = random_uuid(context.world.random);
    const Url url{.host = "127.0.0.1", .port = server.port};
    const auto link = make_http_link(url, context.world.clock);
    net::RequestHead head{.method = "POST", .target = invocation_path(agent), .headers = {}};
    AC_TRY(head.headers, parse_headers(options.headers));
    head.headers.add("Content-Type", "application/json");
    head.headers.add("Accept", "application/json, text/event-stream");
    head.headers.add(std::string(kSessionHeader), server.session);
    const Milliseconds timeout = std::chrono::seconds(options.timeout_s);
    auto reply = link->open(std::move(head), {.text = std::move(payload)}, timeout);
    if (!reply && reply.error().code == ExitCode::unreachable)
        return failed(ExitCode::unreachable, "no development server listens on " + url.authority(),
                      "Run `agentcore dev` in another terminal, or name its --port.");
    if (!reply) return std::unexpected(reply.error());
    const std::string hint = "What it wrote is in the terminal of `agentcore dev`.";
    if ((*reply)->head().status / 100 != 2) {
        AC_TRY(const std::string body, read_all(**reply, kAnswerBytesMax, timeout));
        return failed(ExitCode::agent_error,
                      fmt::format("the agent answered {}: {}", (*reply)->head().status, body),
                      hint);
    }
    AnswerView view(context, {.origin_member = "endpoint",
                              .origin = url.text(),
                              .session = server.session,
                              .log_hint = hint,
                              .at_once = options.stream,
                              .timeout = timeout});
    return view.show(**reply);
}

}  // namespace ac::cli
