#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <vector>

#include "base/encoding.h"
#include "cli/command/answer.h"
#include "cli/command/deployed_agent.h"
#include "cli/command/shell.h"
#include "cli/net/services.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kPayloadBytesMax = 100'000'000;  // the API's own bound
constexpr std::size_t kAnswerBytesMax = 100'000'000;   // of an answer that is shown whole
constexpr std::string_view kSessionHeader = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

bool has_media_type(const net::ResponseHead& head, std::string_view type) {
    return to_lower(head.headers.get("Content-Type")).starts_with(type);
}

// "Name:value,Name:value"; values hold no comma.
Expected<net::Headers> parse_headers(std::string_view text) {
    net::Headers headers;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const std::string_view field = text.substr(0, comma);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
        const auto colon = field.find(':');
        if (colon == std::string_view::npos || trim(field.substr(0, colon)).empty())
            return failed(ExitCode::usage, fmt::format("--headers: {} is not Name:value", field));
        headers.add(std::string(trim(field.substr(0, colon))),
                    std::string(trim(field.substr(colon + 1))));
    }
    return headers;
}

class AgentCall final {
  public:
    AgentCall(const Context& context, const InvokeOptions& options, DeployedAgent& deployed)
        : context_(context), options_(options), deployed_(deployed) {}

    Expected<> run(std::string payload) {
        AC_TRY(auto headers, parse_headers(options_.headers));
        session_ = choose_session();
        const Invocation invocation{.runtime_arn = deployed_.agent.runtime_arn,
                                    .qualifier = options_.qualifier,
                                    .session_id = session_,
                                    .user_id = options_.user_id,
                                    .bearer_token = options_.bearer_token,
                                    .headers = std::move(headers),
                                    .payload = std::move(payload),
                                    .timeout = timeout()};
        AC_TRY(auto reply, invoke_runtime(deployed_.client(), invocation));
        if (reply->head().status / 100 != 2) return refused(*reply);
        AC_CHECK(remember_session(reply->head()));
        if (has_media_type(reply->head(), "text/event-stream")) return show_stream(*reply);
        if (has_media_type(reply->head(), "application/json") || context_.common.json)
            return show_document(*reply);
        return pass_on(*reply);
    }

  private:
    Milliseconds timeout() const { return std::chrono::seconds(options_.timeout_s); }

    std::string choose_session() const {
        if (!options_.session_id.empty()) return options_.session_id;
        if (!deployed_.agent.session_id.empty()) return deployed_.agent.session_id;
        return random_uuid(context_.world.random);
    }

    Expected<> remember_session(const net::ResponseHead& head) {
        if (const auto id = head.headers.get(kSessionHeader); !id.empty()) session_ = id;
        if (session_ == deployed_.agent.session_id) return {};
        deployed_.agent.session_id = session_;
        deployed_.project.put(deployed_.agent);
        return deployed_.project.save();
    }

    Expected<> refused(Reply& reply) {
        AC_TRY(const std::string body, read_all(reply, kAnswerBytesMax, timeout()));
        Failure failure = service_failure(reply.head(), body);
        if (failure.code == ExitCode::agent_error)
            failure.next_step = log_hint();
        else if (failure.code == ExitCode::not_found)
            failure.next_step = "Deploy it to this daemon: agentcore deploy";
        return std::unexpected(std::move(failure));
    }

    std::string log_hint() const {
        return fmt::format("What it wrote: agentcore logs --session-id {}", shell_quoted(session_));
    }

    // Text as it arrives; the final look decides the exit code.
    Expected<> show_stream(Reply& reply) {
        Console& console = context_.console();
        StreamPrinter printer(console.out_is_terminal());
        std::vector<char> buffer(64 * 1024);
        std::string held;
        const bool at_once = options_.stream && !context_.common.json;
        while (true) {
            auto n = reply.read_some(buffer, timeout());
            if (!n) {
                console.out(at_once ? printer.finish() : "");
                return std::unexpected(n.error());
            }
            if (*n == 0) break;
            std::string text = printer.feed({buffer.data(), *n});
            if (at_once)
                console.out(text);
            else
                held += text;
        }
        held += printer.finish();
        if (context_.common.json)
            print_document(reply.head(), "events", printer.events());
        else
            console.out(held);
        if (!printer.error()) return {};
        Failure failure(ExitCode::agent_error,
                        "the agent failed in its answer: " + *printer.error(), log_hint());
        failure.has_document = true;
        return std::unexpected(std::move(failure));
    }

    Expected<> show_document(Reply& reply) {
        AC_TRY(const std::string body, read_all(reply, kAnswerBytesMax, timeout()));
        boost::system::error_code error;
        json::value value = json::parse(body, error);
        if (error) value = json::string(body);
        if (context_.common.json) {
            print_document(reply.head(), "response", value);
            return {};
        }
        Console& console = context_.console();
        // Anything but a string goes to a pipe byte for byte.
        const bool as_sent = error || (!value.is_string() && !console.out_is_terminal());
        std::string text = as_sent ? body : shown(value, console.out_is_terminal());
        if (!text.ends_with('\n')) text += '\n';
        console.out(text);
        return {};
    }

    // Any other content type: bytes, unchanged.
    Expected<> pass_on(Reply& reply) {
        std::vector<char> buffer(64 * 1024);
        while (true) {
            AC_TRY(const std::size_t n, reply.read_some(buffer, timeout()));
            if (n == 0) return {};
            context_.console().out({buffer.data(), n});
        }
    }

    void print_document(const net::ResponseHead& head, std::string_view member, json::value value) {
        json::object out = {{"agentRuntimeArn", deployed_.agent.runtime_arn},
                            {"sessionId", session_},
                            {"statusCode", head.status},
                            {"contentType", head.headers.get("Content-Type")},
                            {"requestId", head.headers.get("x-amzn-RequestId")}};
        out[member] = std::move(value);
        context_.console().out(json::serialize(out) + "\n");
    }

    const Context& context_;
    const InvokeOptions& options_;
    DeployedAgent& deployed_;
    std::string session_;
};

}  // namespace

Expected<> run(const Context& context, const InvokeOptions& options) {
    std::string text = options.payload;
    if (text == "-") {
        auto input = context.console().read_all(kPayloadBytesMax);
        if (!input) return failed(ExitCode::usage, "the payload is over 100 MB");
        text = std::move(*input);
    }
    AC_TRY(DeployedAgent deployed, open_deployed(context, options.agent));
    return AgentCall(context, options, deployed).run(payload_of(text));
}

}  // namespace ac::cli
