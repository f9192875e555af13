#include "cli/net/aws_client.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "crypto/hash.h"

namespace ac::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kErrorBytesMax = 1 << 20;

// The text of <name>...</name>; our peers' error documents have no attributes and no nesting.
std::string xml_text(std::string_view xml, std::string_view name) {
    const std::string open = fmt::format("<{}>", name);
    const std::string close = fmt::format("</{}>", name);
    const auto begin = xml.find(open);
    if (begin == std::string_view::npos) return {};
    const auto end = xml.find(close, begin);
    if (end == std::string_view::npos) return {};
    return std::string(xml.substr(begin + open.size(), end - begin - open.size()));
}

json::value parse_or_null(std::string_view body) {
    boost::system::error_code error;
    auto value = json::parse(body, error);
    return error ? json::value() : value;
}

ExitCode exit_code_of(int status, std::string_view type) {
    if (type == "RuntimeClientError" || status == 424) return ExitCode::agent_error;
    if (status == 404) return ExitCode::not_found;
    if (status == 408 || status == 504) return ExitCode::timed_out;
    return ExitCode::failed;
}

std::string next_step_for(int status, std::string_view type) {
    if (status == 401 || status == 403)
        return "Check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; "
               "`agentcore env` prints those of the local daemon.";
    if (type.starts_with("Throttl")) return "Try again in a moment.";
    return {};
}

}  // namespace

const json::value& member_at(const json::value& value, std::string_view key) {
    static const json::value null;
    const auto* object = value.if_object();
    const auto* member = object ? object->if_contains(key) : nullptr;
    return member ? *member : null;
}

std::string text_at(const json::value& value, std::string_view key) {
    const auto* text = member_at(value, key).if_string();
    return text ? std::string(*text) : std::string();
}

std::string error_type(const net::ResponseHead& head, std::string_view body) {
    std::string type(head.headers.get("x-amzn-errortype"));
    if (type.empty()) type = text_at(parse_or_null(body), "__type");
    if (type.empty()) return xml_text(body, "Code");
    type = type.substr(0, type.find(':'));
    if (const auto hash = type.find('#'); hash != std::string::npos) type = type.substr(hash + 1);
    return type;
}

Failure service_failure(const net::ResponseHead& head, std::string_view body) {
    const std::string type = error_type(head, body);
    const json::value document = parse_or_null(body);
    std::string message = text_at(document, "message");
    if (message.empty()) message = text_at(document, "Message");
    if (message.empty()) message = xml_text(body, "Message");
    if (message.empty() && type.empty())
        message =
            fmt::format("the daemon answered {} {}", head.status, net::reason_phrase(head.status));
    return Failure(exit_code_of(head.status, type),
                   type.empty() ? message : fmt::format("{}: {}", type, message),
                   next_step_for(head.status, type));
}

net::RequestHead AwsClient::signed_head(const Call& call) {
    net::RequestHead head{.method = call.method, .target = call.target, .headers = call.headers};
    head.headers.set("Host", link_.url().authority());
    head.headers.set("User-Agent", "agentcore-cli");
    if (call.bearer_token.empty()) {
        const std::string hash =
            call.body.file.empty() ? sha256_hex(call.body.text) : call.body_sha256;
        signer_->sign(head, call.service, hash);
    } else {
        head.headers.set("Authorization", "Bearer " + call.bearer_token);
    }
    return head;
}

Expected<std::unique_ptr<Reply>> AwsClient::send(Call call) {
    net::RequestHead head = signed_head(call);
    return link_.open(std::move(head), std::move(call.body), call.timeout);
}

Expected<std::unique_ptr<Reply>> AwsClient::open(Call call) {
    const Milliseconds timeout = call.timeout;
    AC_TRY(auto reply, send(std::move(call)));
    if (reply->head().status / 100 == 2) return reply;
    AC_TRY(const std::string body, read_all(*reply, kErrorBytesMax, timeout));
    return std::unexpected(service_failure(reply->head(), body));
}

Expected<json::value> AwsClient::document(Call call) {
    const Milliseconds timeout = call.timeout;
    const std::size_t bytes_max = call.answer_bytes_max;
    AC_TRY(auto reply, open(std::move(call)));
    AC_TRY(const std::string body, read_all(*reply, bytes_max, timeout));
    if (body.empty()) return json::value();
    boost::system::error_code error;
    auto document = json::parse(body, error);
    if (error) return failed(ExitCode::failed, "the daemon's answer is not JSON");
    return document;
}

}  // namespace ac::cli
