#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "cli/command/deployed_agent.h"
#include "cli/net/services.h"

namespace ac::cli {

namespace json = boost::json;

Expected<> run(const Context& context, const SessionsOptions& options) {
    AC_TRY(DeployedAgent deployed, open_deployed(context, options.agent));
    AC_TRY(const json::value document, list_sessions(deployed.client(), deployed.agent.runtime_id));
    if (context.common.json) {
        context.console().out(json::serialize(document) + "\n");
        return {};
    }
    const auto* sessions = member_at(document, "sessions").if_array();
    if (!sessions || sessions->empty()) {
        context.console().out("No session runs.\n");
        return {};
    }
    for (const auto& session : *sessions) {
        const auto* memory = member_at(session, "memoryBytes").if_int64();
        context.console().out(fmt::format(
            "{}{}\n  state     {} (endpoint {}, version {})\n  started   {}\n  last used {}\n"
            "  memory    {} MB\n",
            text_at(session, "sessionId"),
            text_at(session, "sessionId") == deployed.agent.session_id ? " (used last)" : "",
            text_at(session, "state"), text_at(session, "endpoint"), text_at(session, "version"),
            text_at(session, "startedAt"), text_at(session, "lastUsedAt"),
            memory ? *memory >> 20 : 0));
    }
    return {};
}

namespace {

// Those named, all that run, or the one used last.
Expected<std::vector<std::string>> chosen_sessions(DeployedAgent& deployed,
                                                   const SessionsStopOptions& options) {
    if (!options.session_ids.empty()) return options.session_ids;
    std::vector<std::string> chosen;
    if (options.all) {
        AC_TRY(const json::value document,
               list_sessions(deployed.client(), deployed.agent.runtime_id));
        if (const auto* sessions = member_at(document, "sessions").if_array())
            for (const auto& session : *sessions) chosen.push_back(text_at(session, "sessionId"));
        return chosen;
    }
    if (deployed.agent.session_id.empty())
        return failed(ExitCode::usage, "no session was used yet",
                      "Name one, or all with --all; `agentcore sessions` lists them.");
    return std::vector{deployed.agent.session_id};
}

Expected<> forget_session(DeployedAgent& deployed, const std::string& session) {
    if (session != deployed.agent.session_id) return {};
    deployed.agent.session_id.clear();
    deployed.project.put(deployed.agent);
    return deployed.project.save();
}

}  // namespace

// One that has ended meanwhile, while all are stopped, is no failure.
Expected<> run(const Context& context, const SessionsStopOptions& options) {
    if (options.all && !options.session_ids.empty())
        return failed(ExitCode::usage, "name sessions or say --all, not both");
    AC_TRY(DeployedAgent deployed, open_deployed(context, options.agent));
    AC_TRY(const auto sessions, chosen_sessions(deployed, options));
    json::array stopped;
    std::string missing;
    for (const std::string& session : sessions) {
        const auto done = stop_session(deployed.client(), deployed.agent.runtime_arn, session);
        const bool was_gone = !done && done.error().code == ExitCode::not_found;
        if (!done && !was_gone) return done;
        AC_CHECK(forget_session(deployed, session));
        if (was_gone) {
            missing += (missing.empty() ? "" : ", ") + session;
            continue;
        }
        stopped.emplace_back(session);
        if (!context.common.json)
            context.console().out(fmt::format("Stopped session {}.\n", session));
    }
    if (context.common.json)
        context.console().out(json::serialize(json::object{{"stopped", stopped}}) + "\n");
    else if (sessions.empty())
        context.console().out("No session runs.\n");
    if (missing.empty() || options.all) return {};
    Failure failure(ExitCode::not_found, fmt::format("no such session runs: {}", missing),
                    "`agentcore sessions` lists those that do.");
    failure.has_document = true;
    return std::unexpected(std::move(failure));
}

Expected<> run(const Context& context, const StopSessionOptions& options) {
    AC_TRY(DeployedAgent deployed, open_deployed(context, options.agent));
    const std::string session =
        options.session_id.empty() ? deployed.agent.session_id : options.session_id;
    if (session.empty())
        return failed(ExitCode::usage, "no session was used yet",
                      "Name one with --session-id; `agentcore sessions` lists them.");
    auto stopped = stop_session(deployed.client(), deployed.agent.runtime_arn, session);
    const bool was_gone = !stopped && stopped.error().code == ExitCode::not_found;
    if (!stopped && !was_gone) return stopped;
    AC_CHECK(forget_session(deployed, session));
    if (was_gone)
        return failed(ExitCode::not_found, fmt::format("session {} does not run", session),
                      "`agentcore sessions` lists those that do.");
    context.console().out(
        context.common.json
            ? json::serialize(json::object{{"sessionId", session}, {"stopped", true}}) + "\n"
            : fmt::format("Stopped session {}.\n", session));
    return {};
}

}  // namespace ac::cli
