#include "cli/net/services.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/encoding.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr int kPagesMax = 100;
constexpr std::string_view kSessionHeader = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id";
constexpr std::string_view kUserHeader = "X-Amzn-Bedrock-AgentCore-Runtime-User-Id";

Call json_call(std::string method, std::string target, const json::object* input = nullptr) {
    Call call{.method = std::move(method), .target = std::move(target)};
    if (!input) return call;
    call.headers.add("Content-Type", "application/json");
    call.body.text = json::serialize(*input);
    return call;
}

std::string runtime_path(const std::string& id) {
    return fmt::format("/runtimes/{}/", percent_encode(id));
}

Call s3_call(std::string method, const std::string& bucket, const std::string& key) {
    Call call{.service = "s3", .method = std::move(method)};
    call.target = "/" + percent_encode(bucket);
    if (!key.empty()) call.target += "/" + percent_encode(key, "/");
    return call;
}

// Lists with POST, the page after the first named by nextToken in the query.
Expected<json::array> list_all(AwsClient& client, const std::string& path,
                               std::string_view member) {
    json::array all;
    std::string token;
    for (int page = 0; page < kPagesMax; ++page) {
        std::string target = path + "?maxResults=100";
        if (!token.empty()) target += "&nextToken=" + percent_encode(token);
        AC_TRY(const auto document, client.document(json_call("POST", target)));
        if (const auto* items = member_at(document, member).if_array())
            all.insert(all.end(), items->begin(), items->end());
        token = text_at(document, "nextToken");
        if (token.empty()) break;
    }
    return all;
}

Expected<> discard(Expected<json::value> answer) {
    if (!answer) return std::unexpected(answer.error());
    return {};
}

}  // namespace

Expected<std::optional<std::string>> caller_account(AwsClient& client) {
    Call call{.service = "sts", .method = "POST", .target = "/"};
    call.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    call.body.text = "Action=GetCallerIdentity&Version=2011-06-15";
    AC_TRY(auto reply, client.send(std::move(call)));
    AC_TRY(const std::string body, read_all(*reply, kDocumentBytesMax, Milliseconds(60'000)));
    const int status = reply->head().status;
    if (status == 404 || status == 501) return std::optional<std::string>();
    if (status != 200) return std::unexpected(service_failure(reply->head(), body));
    const auto begin = body.find("<Account>");
    const auto end = body.find("</Account>");
    if (begin == std::string::npos || end == std::string::npos || end < begin + 9)
        return std::optional<std::string>();
    return std::optional(body.substr(begin + 9, end - begin - 9));
}

Expected<> ensure_bucket(AwsClient& client, const std::string& bucket) {
    AC_TRY(auto head, client.send(s3_call("HEAD", bucket, "")));
    if (head->head().status == 200) return {};
    if (head->head().status != 404) {
        AC_TRY(const std::string body, read_all(*head, kDocumentBytesMax, Milliseconds(60'000)));
        return std::unexpected(service_failure(head->head(), body));
    }
    Call create = s3_call("PUT", bucket, "");
    if (client.region() != "us-east-1") {
        create.headers.add("Content-Type", "application/xml");
        create.body.text = fmt::format(
            "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>",
            client.region());
    }
    AC_TRY(auto reply, client.send(std::move(create)));
    AC_TRY(const std::string body, read_all(*reply, kDocumentBytesMax, Milliseconds(60'000)));
    const bool made_by_another = error_type(reply->head(), body) == "BucketAlreadyOwnedByYou";
    if (reply->head().status / 100 == 2 || made_by_another) return {};
    return std::unexpected(service_failure(reply->head(), body));
}

Expected<bool> object_exists(AwsClient& client, const std::string& bucket, const std::string& key) {
    AC_TRY(auto reply, client.send(s3_call("HEAD", bucket, key)));
    return reply->head().status == 200;
}

Expected<> put_object(AwsClient& client, const std::string& bucket, const std::string& key,
                      const Upload& file, const std::string& sha256) {
    Call call = s3_call("PUT", bucket, key);
    call.headers.add("Content-Type", "application/zip");
    call.body = file;
    call.body_sha256 = sha256;
    call.timeout = Milliseconds(600'000);
    AC_TRY(auto reply, client.open(std::move(call)));
    AC_TRY(const std::string body, read_all(*reply, kDocumentBytesMax, Milliseconds(60'000)));
    return {};
}

Expected<> delete_object(AwsClient& client, const std::string& bucket, const std::string& key) {
    auto reply = client.open(s3_call("DELETE", bucket, key));
    if (!reply && reply.error().code != ExitCode::not_found) return std::unexpected(reply.error());
    return {};
}

Expected<json::value> create_runtime(AwsClient& client, const json::object& input) {
    return client.document(json_call("PUT", "/runtimes/", &input));
}

Expected<json::value> update_runtime(AwsClient& client, const std::string& id,
                                     const json::object& input) {
    return client.document(json_call("PUT", runtime_path(id), &input));
}

Expected<json::value> get_runtime(AwsClient& client, const std::string& id,
                                  const std::string& version) {
    const std::string query = version.empty() ? "" : "?version=" + percent_encode(version);
    return client.document(json_call("GET", runtime_path(id) + query));
}

Expected<json::value> get_endpoint(AwsClient& client, const std::string& id,
                                   const std::string& endpoint) {
    return client.document(json_call(
        "GET", fmt::format("{}runtime-endpoints/{}/", runtime_path(id), percent_encode(endpoint))));
}

Expected<> delete_runtime(AwsClient& client, const std::string& id) {
    return discard(client.document(json_call("DELETE", runtime_path(id))));
}

Expected<json::array> list_runtimes(AwsClient& client) {
    return list_all(client, "/runtimes/", "agentRuntimes");
}

Expected<json::array> list_versions(AwsClient& client, const std::string& id) {
    return list_all(client, runtime_path(id) + "versions/", "agentRuntimes");
}

Expected<json::array> list_endpoints(AwsClient& client, const std::string& id) {
    return list_all(client, runtime_path(id) + "runtime-endpoints/", "runtimeEndpoints");
}

Expected<> delete_endpoint(AwsClient& client, const std::string& id, const std::string& endpoint) {
    return discard(
        client.document(json_call("DELETE", fmt::format("{}runtime-endpoints/{}/", runtime_path(id),
                                                        percent_encode(endpoint)))));
}

Expected<std::unique_ptr<Reply>> invoke_runtime(AwsClient& client, const Invocation& invocation) {
    Call call{.method = "POST"};
    call.target =
        fmt::format("/runtimes/{}/invocations?qualifier={}", percent_encode(invocation.runtime_arn),
                    percent_encode(invocation.qualifier));
    call.headers = invocation.headers;
    call.headers.set("Content-Type", "application/json");
    call.headers.set("Accept", "text/event-stream, application/json");
    call.headers.set(kSessionHeader, invocation.session_id);
    if (!invocation.user_id.empty()) call.headers.set(kUserHeader, invocation.user_id);
    call.body.text = invocation.payload;
    call.bearer_token = invocation.bearer_token;
    call.timeout = invocation.timeout;
    return client.send(std::move(call));
}

Expected<std::unique_ptr<Reply>> run_command(AwsClient& client, const Invocation& command) {
    Call call{.method = "POST"};
    call.target =
        fmt::format("/runtimes/{}/commands?qualifier={}", percent_encode(command.runtime_arn),
                    percent_encode(command.qualifier));
    call.headers.set("Content-Type", "application/json");
    call.headers.set(kSessionHeader, command.session_id);
    call.body.text = command.payload;
    call.timeout = command.timeout;
    return client.open(std::move(call));
}

Expected<> stop_session(AwsClient& client, const std::string& runtime_arn,
                        const std::string& session_id) {
    const json::object nothing;
    Call call = json_call("POST",
                          fmt::format("/runtimes/{}/stopruntimesession?qualifier=DEFAULT",
                                      percent_encode(runtime_arn)),
                          &nothing);
    call.headers.set(kSessionHeader, session_id);
    return discard(client.document(std::move(call)));
}

Expected<std::unique_ptr<Reply>> open_logs(AwsClient& client, const std::string& runtime_id,
                                           const LogQuery& query) {
    std::string target = fmt::format("/x/runtimes/{}/logs", percent_encode(runtime_id));
    char separator = '?';
    const auto add = [&](std::string_view name, const std::string& value) {
        target +=
            fmt::format("{}{}={}", std::exchange(separator, '&'), name, percent_encode(value));
    };
    if (!query.session_id.empty()) add("session", query.session_id);
    if (query.tail) add("tail", std::to_string(*query.tail));
    if (query.follow) add("follow", "true");
    return client.open({.method = "GET", .target = target});
}

Expected<std::string> build_log(AwsClient& client, const std::string& runtime_id,
                                const std::string& version) {
    std::string target = fmt::format("/x/runtimes/{}/build-log", percent_encode(runtime_id));
    if (!version.empty()) target += "?version=" + percent_encode(version);
    auto reply = client.open({.method = "GET", .target = target});
    if (!reply && reply.error().code == ExitCode::not_found) return std::string();
    if (!reply) return std::unexpected(reply.error());
    return read_all(**reply, kDocumentBytesMax, Milliseconds(60'000));
}

Expected<json::value> list_sessions(AwsClient& client, const std::string& runtime_id) {
    return client.document(
        {.method = "GET",
         .target = fmt::format("/x/runtimes/{}/sessions", percent_encode(runtime_id))});
}

}  // namespace ac::cli
