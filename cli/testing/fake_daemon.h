#pragma once
// The part of the daemon's API that the CLI uses, in memory, over a real socket: what tests of
// command flows run against. It keeps every request and can be told to behave badly.

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "net/testing/server_fixture.h"

namespace ac::cli::testing {

namespace json = boost::json;

struct SeenRequest {
    net::RequestHead head;
    std::string body;

    std::string line() const { return head.method + " " + std::string(head.path()); }
};

class FakeDaemon final {
  public:
    static constexpr std::string_view kSession = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";

    FakeDaemon() : server_([this](net::Exchange& exchange) { return handle(exchange); }, {}, 1) {}

    std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }

    // What an invocation answers: one write each, so that streams arrive in pieces.
    int answer_status = 200;
    std::string answer_type = "application/json";
    std::string answer_error;  // x-amzn-errortype
    std::vector<std::string> answer = {"\"Hello\""};
    std::string failure_reason;  // not empty: builds fail
    std::string log_lines;

    std::vector<SeenRequest> seen() {
        const std::lock_guard lock(mutex_);
        return seen_;
    }
    std::vector<std::string> lines() {
        std::vector<std::string> out;
        for (const auto& request : seen()) out.push_back(request.line());
        return out;
    }
    std::size_t count(const std::string& line) {
        const auto all = lines();
        return static_cast<std::size_t>(std::ranges::count(all, line));
    }
    std::map<std::string, std::string> objects() {
        const std::lock_guard lock(mutex_);
        return objects_;
    }
    void forget_runtimes() {
        const std::lock_guard lock(mutex_);
        runtimes_.clear();
    }

  private:
    Detached handle(net::Exchange& exchange) {
        auto body = co_await net::read_all(exchange.body(), 64 << 20);
        SeenRequest request{exchange.request(), body.value_or("")};
        std::unique_lock lock(mutex_);
        seen_.push_back(request);
        const bool invokes = request.head.path().ends_with("/invocations");
        net::Response response = invokes ? net::Response{} : answer_to(request);
        lock.unlock();
        if (invokes)
            (void)co_await stream(exchange, request);
        else
            (void)co_await exchange.respond(std::move(response));
    }

    Task<> stream(net::Exchange& exchange, const SeenRequest& request) {
        net::ResponseHead head{.status = answer_status, .headers = {}};
        head.headers.add("Content-Type", answer_type);
        head.headers.add(std::string(kSession), std::string(request.head.headers.get(kSession)));
        if (!answer_error.empty()) head.headers.add("x-amzn-errortype", answer_error);
        AC_CO_CHECK(co_await exchange.start(std::move(head)));
        for (const auto& piece : answer) {
            AC_CO_CHECK(co_await exchange.write(piece));
        }
        co_return co_await exchange.finish();
    }

    static net::Response document(const json::object& body, int status = 200) {
        net::Response response{.status = status, .headers = {}, .body = json::serialize(body)};
        response.headers.add("Content-Type", "application/json");
        return response;
    }
    static net::Response error(int status, std::string type, std::string message) {
        auto response = document({{"message", message}}, status);
        response.headers.add("x-amzn-errortype", std::move(type));
        return response;
    }

    net::Response answer_to(const SeenRequest& request) {
        const std::string path(request.head.path());
        const auto authorization = request.head.headers.get("Authorization");
        if (path == "/healthz") return {.status = 200, .headers = {}, .body = "ok"};
        if (authorization.find("AKIATEST") == std::string_view::npos)
            return error(403, "UnrecognizedClientException", "who are you?");
        if (authorization.find("/sts/") != std::string_view::npos)
            return {.status = 200, .headers = {}, .body = "<R><Account>123456789012</Account></R>"};
        if (authorization.find("/s3/") != std::string_view::npos) return store(request, path);
        if (path.starts_with("/x/runtimes/")) return extension(path);
        return control(request, path);
    }

    net::Response store(const SeenRequest& request, const std::string& path) {
        const std::string& method = request.head.method;
        const bool is_bucket = path.find('/', 1) == std::string::npos;
        net::Response found{.status = 200, .headers = {}, .body = ""};
        if (method == "PUT") {
            if (is_bucket)
                buckets_.insert(path);
            else
                objects_[path] = request.body;
            return found;
        }
        if (method == "DELETE") {
            objects_.erase(path);
            found.status = 204;
            return found;
        }
        const bool there = is_bucket ? buckets_.contains(path) : objects_.contains(path);
        found.status = there ? 200 : 404;
        return found;
    }

    net::Response extension(const std::string& path) const {
        if (path.ends_with("/logs")) return {.status = 200, .headers = {}, .body = log_lines};
        if (path.ends_with("/build-log"))
            return {.status = 200, .headers = {}, .body = "installing\nready\n"};
        return document({{"sessions", json::array()}});
    }

    net::Response control(const SeenRequest& request, const std::string& path) {
        if (path == "/runtimes/" && request.head.method == "PUT") return create(request.body);
        if (path == "/runtimes/") return list();
        const std::string id = path.substr(10, path.find('/', 10) - 10);
        const auto found = runtimes_.find(*percent_decode(id));
        if (path.ends_with("/stopruntimesession")) return document({});
        if (found == runtimes_.end())
            return error(404, "ResourceNotFoundException", "no runtime " + id);
        if (path.ends_with("/versions/"))
            return document({{"agentRuntimes", {{{"agentRuntimeVersion", "1"}}}}});
        if (path.ends_with("/runtime-endpoints/"))
            return document({{"runtimeEndpoints", {{{"name", "DEFAULT"}}}}});
        if (path.find("/runtime-endpoints/") != std::string::npos)
            return document({{"status", "READY"}, {"liveVersion", "1"}});
        if (request.head.method == "DELETE") {
            runtimes_.erase(found);
            return document({{"status", "DELETING"}}, 202);
        }
        if (request.head.method == "PUT") return update(found->second, request.body);
        if (++looks_ % 2 == 0)
            found->second["status"] = failure_reason.empty() ? "READY" : "CREATE_FAILED";
        if (!failure_reason.empty()) found->second["failureReason"] = failure_reason;
        return document(found->second);
    }

    net::Response create(const std::string& body) {
        json::object runtime = json::parse(body).as_object();
        const std::string name(runtime.at("agentRuntimeName").as_string());
        for (const auto& [id, other] : runtimes_)
            if (other.at("agentRuntimeName").as_string() == name)
                return error(409, "ConflictException", name + " exists");
        const std::string id = name + "-0123456789";
        runtime["agentRuntimeId"] = id;
        runtime["agentRuntimeArn"] =
            "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/" + id;
        runtime["agentRuntimeVersion"] = "1";
        runtime["status"] = "CREATING";
        runtimes_[id] = runtime;
        return document(runtime, 202);
    }

    static net::Response update(json::object& runtime, const std::string& body) {
        const auto parsed = json::parse(body);
        for (const auto& [key, value] : parsed.as_object()) runtime[key] = value;
        runtime["agentRuntimeVersion"] = "2";
        runtime["status"] = "UPDATING";
        return document(runtime, 202);
    }

    net::Response list() const {
        json::array all;
        for (const auto& [id, runtime] : runtimes_) all.push_back(runtime);
        return document({{"agentRuntimes", std::move(all)}});
    }

    std::mutex mutex_;
    std::vector<SeenRequest> seen_;
    std::set<std::string> buckets_;
    std::map<std::string, std::string> objects_;
    std::map<std::string, json::object> runtimes_;
    int looks_ = 0;
    net::testing::TestServer server_;
};

}  // namespace ac::cli::testing
