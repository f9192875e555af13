#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <vector>

#include "base/encoding.h"
#include "cli/command/deployed_agent.h"
#include "cli/net/services.h"
#include "net/event_stream.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

// The daemon itself ends a command that takes too long.
constexpr Milliseconds kSlack{60'000};
constexpr int kTimedOut = 124;  // as timeout(1)
constexpr int kPlatform = 125;  // the command's end is not known

struct Ended {
    int exit_code = 0;
    bool timed_out = false;
};

class OutputPrinter final {
  public:
    OutputPrinter(Console& console, bool at_once) : console_(console), at_once_(at_once) {}

    Expected<> take(const net::EventMessage& message) {
        boost::system::error_code error;
        const json::value event = json::parse(message.payload, error);
        if (message.header(":message-type") == "exception")
            return failed(ExitCode::failed, text_at(event, "message"));
        show(out_, member_at(event, "contentDelta"), "stdout");
        show(err_, member_at(event, "contentDelta"), "stderr");
        const json::value& stop = member_at(event, "contentStop");
        if (!stop.is_object()) return {};
        const auto* code = member_at(stop, "exitCode").if_int64();
        ended_ = Ended{.exit_code = code ? static_cast<int>(*code) : -1,
                       .timed_out = text_at(stop, "status") == "TIMED_OUT"};
        return {};
    }
    const std::optional<Ended>& ended() const { return ended_; }
    const std::string& out() const { return out_; }
    const std::string& errors() const { return err_; }

  private:
    void show(std::string& held, const json::value& delta, std::string_view member) {
        const std::string text = text_at(delta, member);
        if (!at_once_)
            held += text;
        else if (!text.empty())
            member == "stdout" ? console_.out(text) : console_.err(text);
    }

    Console& console_;
    const bool at_once_;
    std::string out_;
    std::string err_;
    std::optional<Ended> ended_;
};

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

Expected<Ended> follow(Reply& reply, OutputPrinter& printer, Milliseconds timeout) {
    net::EventDecoder decoder;
    std::vector<char> buffer(64 * 1024);
    while (true) {
        AC_TRY(const std::size_t n, reply.read_some(buffer, timeout));
        if (n == 0) break;
        decoder.feed({buffer.data(), n});
        while (true) {
            auto message = decoder.next();
            if (!message) return std::unexpected(Failure(message.error()));
            if (!*message) break;
            AC_CHECK(printer.take(**message));
        }
    }
    if (!printer.ended()) return failed(ExitCode::failed, "the command's output broke off");
    return *printer.ended();
}

}  // namespace

Expected<> run(const Context& context, const ExecOptions& options) {
    AC_TRY(DeployedAgent deployed, open_deployed(context, options.agent));
    std::string session =
        options.session_id.empty() ? deployed.agent.session_id : options.session_id;
    if (session.empty()) session = random_uuid(context.world.random);
    const json::object body{{"command", joined(options.command)}, {"timeout", options.timeout_s}};
    const Milliseconds timeout = std::chrono::seconds(options.timeout_s) + kSlack;
    const Invocation command{.runtime_arn = deployed.agent.runtime_arn,
                             .qualifier = options.qualifier,
                             .session_id = session,
                             .user_id = {},
                             .bearer_token = {},
                             .headers = {},
                             .payload = json::serialize(body),
                             .timeout = timeout};
    AC_TRY(const auto reply, run_command(deployed.client(), command));
    OutputPrinter printer(context.console(), !context.common.json);
    AC_TRY(const Ended ended, follow(*reply, printer, timeout));
    if (context.common.json)
        context.console().out(json::serialize(json::object{{"sessionId", session},
                                                           {"stdout", printer.out()},
                                                           {"stderr", printer.errors()},
                                                           {"exitCode", ended.exit_code},
                                                           {"timedOut", ended.timed_out}}) +
                              "\n");
    if (ended.exit_code == 0 && !ended.timed_out) return {};
    Failure failure(ExitCode::agent_error, "the command failed");
    failure.has_document = context.common.json;
    failure.exit_status = ended.timed_out       ? kTimedOut
                          : ended.exit_code < 0 ? kPlatform
                                                : ended.exit_code;
    return std::unexpected(std::move(failure));
}

}  // namespace ac::cli
