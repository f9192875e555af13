#include "cli/net/code_calls.h"

#include <array>
#include <boost/json.hpp>

#include "base/encoding.h"
#include "net/event_stream.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

// An execution may be silent for its five minutes.
constexpr Milliseconds kSilenceMax{330'000};

std::string path_of(const std::string& interpreter, std::string_view rest) {
    return "/code-interpreters/" + percent_encode(interpreter) + std::string(rest);
}

Expected<json::object> result_of(const net::EventMessage& message) {
    boost::system::error_code error;
    const json::value document = json::parse(message.payload, error);
    if (message.header(":message-type") != "event")
        return failed(ExitCode::failed, text_at(document, "message"));
    if (error || !document.is_object())
        return failed(ExitCode::failed, "the daemon sent a result that is no JSON object");
    return document.get_object();
}

}  // namespace

Expected<CodeSession> CodeSession::start(AwsClient& client, std::string interpreter) {
    Call call{.method = "PUT", .target = path_of(interpreter, "/sessions/start")};
    call.headers.add("Content-Type", "application/json");
    call.body.text = R"({"name":"agentcore code"})";
    AC_TRY(const json::value started, client.document(std::move(call)));
    return CodeSession(client, std::move(interpreter), text_at(started, "sessionId"));
}

Expected<json::object> CodeSession::call(const std::string& tool, json::object arguments,
                                         const OnResult& on_result) {
    Call call{.method = "POST", .target = path_of(interpreter_, "/tools/invoke")};
    call.headers.add("Content-Type", "application/json");
    call.headers.add("x-amzn-code-interpreter-session-id", id_);
    json::object body;
    body["name"] = tool;
    body["arguments"] = std::move(arguments);
    call.body.text = json::serialize(body);
    call.timeout = kSilenceMax;
    AC_TRY(const auto reply, client_->open(std::move(call)));
    net::EventDecoder decoder;
    json::object last;
    std::array<char, 64 * 1024> buffer;
    while (true) {
        AC_TRY(const std::size_t size, reply->read_some(buffer, kSilenceMax));
        if (size == 0) break;
        decoder.feed({buffer.data(), size});
        while (true) {
            AC_TRY(const auto message, decoder.next());
            if (!message) break;
            AC_TRY(json::object event, result_of(*message));
            if (on_result) on_result(event);
            last = std::move(event);
        }
    }
    return last;
}

Expected<> CodeSession::stop() {
    Call call{.method = "PUT",
              .target = path_of(interpreter_, "/sessions/stop?sessionId=" + percent_encode(id_))};
    call.headers.add("Content-Type", "application/json");
    call.body.text = "{}";
    AC_TRY([[maybe_unused]] const json::value stopped, client_->document(std::move(call)));
    return {};
}

Expected<json::value> fork_session(AwsClient& client, const std::string& interpreter,
                                   const std::string& session, int count) {
    Call call{
        .method = "POST",
        .target = "/x" + path_of(interpreter, "/sessions/" + percent_encode(session) + "/fork")};
    call.headers.add("Content-Type", "application/json");
    json::object body;
    body["count"] = count;
    call.body.text = json::serialize(body);
    return client.document(std::move(call));
}

}  // namespace ac::cli
