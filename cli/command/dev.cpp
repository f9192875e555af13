#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "base/encoding.h"
#include "cli/command/client_variables.h"
#include "cli/command/dev_server.h"
#include "cli/command/shell.h"
#include "cli/dev/agent_process.h"
#include "cli/dev/launch_plan.h"
#include "cli/dev/source_watch.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr Milliseconds kLook{300};          // between two looks at the sources
constexpr Milliseconds kProbeTimeout{250};  // for a connection to loopback

// Interrupts as something to wait for, while it lives.
class Interrupts final {
  public:
    Interrupts() {
        sigset_t wanted;
        sigemptyset(&wanted);
        for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&wanted, signal);
        pthread_sigmask(SIG_BLOCK, &wanted, &before_);
        fd_ = UniqueFd(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    }
    ~Interrupts() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    // False: `time` has passed.
    bool wait(Milliseconds time) const {
        pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
        if (::poll(&waiting, 1, static_cast<int>(time.count())) <= 0) return false;
        // Taken, or it would end this process once signals are let through again.
        signalfd_siginfo taken{};
        return ::read(fd_.get(), &taken, sizeof taken) > 0;
    }

  private:
    sigset_t before_{};
    UniqueFd fd_;
};

// What is said on the way: sentences on stderr, or with --json one object a line on stdout.
class Report final {
  public:
    explicit Report(const Context& context) : context_(context) {}

    void say(std::string_view event, const std::string& sentence, json::object details = {}) {
        if (context_.common.json) {
            details["event"] = event;
            context_.console().out(json::serialize(details) + "\n");
            return;
        }
        const Colour colour = event == "ready"   ? Colour::green
                              : event == "ended" ? Colour::red
                                                 : Colour::dim;
        context_.console().err(paint(context_.console().colour(), colour, sentence) + "\n");
    }

  private:
    const Context& context_;
};

Expected<std::map<std::string, std::string>> given_variables(const DevOptions& options) {
    std::map<std::string, std::string> out;
    for (const std::string& text : options.env) {
        const auto equals = text.find('=');
        if (equals == std::string::npos || !is_variable_name(text.substr(0, equals)))
            return failed(ExitCode::usage, fmt::format("--env {}: want KEY=VALUE", text));
        out[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return out;
}

// --port, PORT as it was given or is set, the protocol's.
Expected<std::uint16_t> wanted_port(const Context& context, const DevOptions& options,
                                    const AgentConfig& agent,
                                    const std::map<std::string, std::string>& given) {
    if (options.port) return static_cast<std::uint16_t>(*options.port);
    const auto found = given.find("PORT");
    const std::string text = found == given.end() ? context.world.variable("PORT") : found->second;
    if (text.empty()) return default_port(agent);
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || stop != end || port == 0)
        return failed(ExitCode::usage, fmt::format("PORT={} is not a port", text));
    return port;
}

class DevLoop final {
  public:
    DevLoop(const Context& context, AgentConfig agent, AgentLaunch launch, DevServer server)
        : context_(context),
          agent_(std::move(agent)),
          launch_(std::move(launch)),
          server_(std::move(server)),
          report_(context),
          watch_(agent_.layout()),
          process_(context.world.clock) {}

    Expected<> run(const Interrupts& interrupts) {
        AC_CHECK(start());
        while (!interrupts.wait(kLook)) {
            if (const auto changed = watch_.look()) {
                report_.say("changed", *changed + " has changed: starting again",
                            {{"file", *changed}});
                process_.stop();
                AC_CHECK(start());
            }
            if (const auto code = process_.look_for_end())
                report_.say("ended",
                            fmt::format("The agent has ended with exit code {}. It is started "
                                        "again when a file changes.",
                                        *code),
                            {{"exitCode", *code}});
            if (process_.running() && !is_ready_ && listens()) tell_ready();
        }
        process_.stop();
        report_.say("stopped", "Stopped.");
        return {};
    }

  private:
    Expected<> start() {
        is_ready_ = false;
        started_ = context_.world.clock.steady();
        return process_.start(launch_);
    }

    // Whoever answers on the port, whatever it answers, is the agent: the port was free before.
    bool listens() const {
        const auto link =
            make_http_link({.host = "127.0.0.1", .port = server_.port}, context_.world.clock);
        net::RequestHead head{.method = "GET", .target = "/ping", .headers = {}};
        const auto reply = link->open(std::move(head), {}, kProbeTimeout);
        return reply.has_value() || reply.error().code == ExitCode::timed_out;
    }

    void tell_ready() {
        is_ready_ = true;
        const std::chrono::duration<double> took = context_.world.clock.steady() - started_;
        const std::string url = fmt::format("http://127.0.0.1:{}", server_.port);
        report_.say(
            "ready",
            fmt::format("Ready after {:.1f} s: {}{}", took.count(), url, invocation_path(agent_)),
            {{"url", url}, {"port", server_.port}, {"seconds", took.count()}});
    }

    const Context& context_;
    const AgentConfig agent_;
    const AgentLaunch launch_;
    const DevServer server_;
    Report report_;
    SourceWatch watch_;
    AgentProcess process_;
    bool is_ready_ = false;
    SteadyTime started_{};
};

// Of the daemon, then the agent's own, then what the user gave.
Expected<AgentLaunch> launch_of(const Context& context, const AgentConfig& agent,
                                const Connection& connection,
                                const std::map<std::string, std::string>& given) {
    AgentLaunch launch{.environment = context.world.environment, .folder = agent.source};
    AC_TRY(launch.arguments, launch_command(context.world, agent));
    for (const auto& [name, value] : client_variables(context.world, connection))
        launch.environment[name] = value.value_or("");
    if (!agent.memory_id.empty())
        launch.environment["BEDROCK_AGENTCORE_MEMORY_ID"] = agent.memory_id;
    for (const auto& [name, value] : given) launch.environment[name] = value;
    launch.environment["LOCAL_DEV"] = "1";
    return launch;
}

}  // namespace

Expected<> run(const Context& context, const DevOptions& options) {
    AC_TRY(AgentConfig agent, dev_agent(context.world, options.agent));
    AC_TRY(const auto given, given_variables(options));
    AC_TRY(const std::uint16_t wanted, wanted_port(context, options, agent, given));
    AC_TRY(const DevRecord record, DevRecord::of(context, agent));
    AC_TRY(const Connection connection, connect(context.world, context.common, agent.region));
    AC_TRY(AgentLaunch launch, launch_of(context, agent, connection, given));
    AC_TRY(const std::uint16_t port, free_port(wanted));
    launch.environment["PORT"] = std::to_string(port);
    const DevServer server{.port = port, .session = random_uuid(context.world.random)};
    Report report(context);
    report.say("starting",
               fmt::format("Agent {} ({}): {} in {}. Models and memory: {}", agent.name,
                           agent.protocol.empty() ? "HTTP" : agent.protocol,
                           agent.entrypoint.string(), agent.source.string(), connection.url.text()),
               {{"agent", agent.name}, {"port", port}, {"endpoint", connection.url.text()}});
    if (port != wanted)
        report.say("port", fmt::format("Port {} is taken: using {}.", wanted, port));
    report.say("hint", "In another terminal: agentcore invoke --dev \"Hello\". Ctrl+C ends it.");
    const Interrupts interrupts;
    AC_CHECK(record.write(server));
    const auto done = DevLoop(context, std::move(agent), std::move(launch), server).run(interrupts);
    record.remove();
    return done;
}

}  // namespace ac::cli
