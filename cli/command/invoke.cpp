#include <fmt/format.h>

#include "cli/command/answer_view.h"
#include "cli/command/deployed_agent.h"
#include "cli/command/dev_server.h"
#include "cli/command/shell.h"
#include "cli/net/services.h"

namespace ac::cli {
namespace {

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
        AnswerView view(context_, {.origin_member = "agentRuntimeArn",
                                   .origin = deployed_.agent.runtime_arn,
                                   .session = session_,
                                   .log_hint = log_hint(),
                                   .at_once = options_.stream,
                                   .timeout = timeout()});
        return view.show(*reply);
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

    const Context& context_;
    const InvokeOptions& options_;
    DeployedAgent& deployed_;
    std::string session_;
};

}  // namespace

Expected<> run(const Context& context, const InvokeOptions& options) {
    AC_TRY(std::string payload, payload_given(context, options.payload));
    if (options.dev) return invoke_dev(context, options, std::move(payload));
    if (options.port)
        return failed(ExitCode::usage, "--port is the development server's", "Add --dev.");
    AC_TRY(DeployedAgent deployed, open_deployed(context, options.agent));
    return AgentCall(context, options, deployed).run(std::move(payload));
}

}  // namespace ac::cli
