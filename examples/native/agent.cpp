// An agent in C++: any program that listens on 8080 and answers POST /invocations and GET /ping.
//
//     g++ -std=c++20 -O2 agent.cpp -o agent -lboost_json
//     agentcore configure -e agent
//     agentcore deploy
//     agentcore invoke "Hello"
//
// `-e agent` deploys the program alone; `-e FOLDER` deploys it with what lies beside it (its shared
// libraries are looked for there and in lib/). Needs libboost-dev and libboost-json-dev.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
#include <mutex>
#include <thread>

namespace http = boost::beast::http;
namespace json = boost::json;
using Socket = boost::asio::ip::tcp::socket;
using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

// What the session remembers: every session has a process of its own.
class Conversation {
  public:
    json::object reply(const Request& request) {
        boost::system::error_code error;
        const json::value payload = json::parse(request.body(), error);
        const json::object* given = error ? nullptr : payload.if_object();
        const json::value* prompt = given == nullptr ? nullptr : given->if_contains("prompt");
        if (prompt == nullptr || !prompt->is_string()) return {{"error", "say {\"prompt\": text}"}};
        const std::lock_guard lock(mutex_);
        return {{"message", "You said: " + std::string(prompt->get_string())},
                {"turn", ++turns_},
                {"session", request["X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"]}};
    }

  private:
    std::mutex mutex_;
    int turns_ = 0;
};

Response answer(const Request& request, Conversation& conversation) {
    Response response{http::status::ok, request.version()};
    response.set(http::field::content_type, "application/json");
    response.keep_alive(request.keep_alive());
    if (request.method() == http::verb::get && request.target() == "/ping") {
        response.body() = R"({"status": "Healthy"})";
    } else if (request.method() == http::verb::post && request.target() == "/invocations") {
        const json::object reply = conversation.reply(request);
        if (reply.contains("error")) response.result(http::status::bad_request);
        response.body() = json::serialize(reply);
    } else {
        response.result(http::status::not_found);
        response.body() = R"({"error": "no such path"})";
    }
    response.prepare_payload();
    return response;
}

void serve(Socket socket, Conversation& conversation) {
    boost::beast::flat_buffer buffer;
    boost::system::error_code error;
    while (true) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(100'000'000);  // the most that AgentCore passes on
        http::read(socket, buffer, parser, error);
        if (error) return;
        const Response response = answer(parser.get(), conversation);
        http::write(socket, response, error);
        if (error || response.need_eof()) return;
    }
}

int main() {
    boost::asio::io_context context;
    boost::asio::ip::tcp::acceptor acceptor(context, {boost::asio::ip::address_v4::any(), 8080});
    Conversation conversation;
    while (true)
        std::thread([socket = acceptor.accept(), &conversation]() mutable {
            serve(std::move(socket), conversation);
        }).detach();
}
