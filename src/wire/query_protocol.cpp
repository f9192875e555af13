#include "wire/query_protocol.h"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "base/encoding.h"
#include "base/time_text.h"

namespace ac::wire {
namespace {

constexpr std::size_t kFieldsMax = 2000;

void append_escaped(std::string& out, std::string_view text) {
    for (const char c : text) {
        switch (c) {
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '&':
                out += "&amp;";
                break;
            default:
                // XML 1.0 has no other control characters.
                if (static_cast<unsigned char>(c) >= 0x20 || c == '\t' || c == '\n')
                    out += c;
                else if (c == '\r')
                    out += "&#13;";
                else
                    out += ' ';
        }
    }
}

void append_element(std::string& out, std::string_view name, const json::value& value);

void append_members(std::string& out, const json::object& object) {
    for (const auto& [key, value] : object) append_element(out, {key.data(), key.size()}, value);
}

void append_element(std::string& out, std::string_view name, const json::value& value) {
    out += fmt::format("<{}>", name);
    if (value.is_object()) {
        append_members(out, value.get_object());
    } else if (value.is_array()) {
        for (const json::value& item : value.get_array()) append_element(out, "member", item);
    } else if (value.is_string()) {
        append_escaped(out, {value.get_string().data(), value.get_string().size()});
    } else {
        out += json::serialize(value);
    }
    out += fmt::format("</{}>", name);
}

struct Answer {
    std::string_view reason;
    std::string_view code;
    int status = 400;
};

// What sigv4 and access name otherwise, and the statuses of IAM's exceptions.
constexpr Answer kAnswers[] = {
    {"UnrecognizedClientException", "InvalidClientTokenId", 403},
    {"InvalidSignatureException", "SignatureDoesNotMatch", 403},
    {"ExpiredTokenException", "ExpiredToken", 403},
    {"MissingAuthenticationTokenException", "MissingAuthenticationToken", 403},
    {"IncompleteSignatureException", "IncompleteSignature", 400},
    {"NoSuchEntity", "NoSuchEntity", 404},
    {"EntityAlreadyExists", "EntityAlreadyExists", 409},
    {"DeleteConflict", "DeleteConflict", 409},
    {"LimitExceeded", "LimitExceeded", 409},
    {"AccessDenied", "AccessDenied", 403},
};

Answer answer_of(const Error& error) {
    for (const Answer& known : kAnswers)
        if (known.reason == error.reason) return known;
    switch (error.code) {
        case ErrorCode::internal:
            return {"", "InternalFailure", 500};
        case ErrorCode::unavailable:
        case ErrorCode::busy:
        case ErrorCode::cancelled:
            return {"", "ServiceUnavailable", 503};
        case ErrorCode::not_implemented:
            return {"", "InvalidAction", 400};
        case ErrorCode::permission_denied:
            return {"", "AccessDenied", 403};
        case ErrorCode::not_found:
            return {"", "NoSuchEntity", 404};
        default:
            return {"", error.reason.empty() ? "ValidationError" : std::string_view(error.reason),
                    400};
    }
}

net::Response xml(int status, std::string_view request_id, std::string body) {
    net::Response response{.status = status, .headers = {}, .body = std::move(body)};
    response.headers.add("Content-Type", "text/xml");
    response.headers.add("x-amzn-RequestId", std::string(request_id));
    return response;
}

}  // namespace

Result<Form> Form::parse(std::string_view text) {
    Form form;
    while (!text.empty()) {
        const std::string_view pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
        if (pair.empty()) continue;
        const auto equals = pair.find('=');
        auto name = percent_decode(pair.substr(0, equals), true);
        auto value =
            percent_decode(equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
        const bool is_text = name && value && is_valid_utf8(*name) && is_valid_utf8(*value) &&
                             value->find('\0') == std::string::npos;
        if (!is_text || form.fields_.size() == kFieldsMax ||
            !form.fields_.emplace(*std::move(name), *std::move(value)).second)
            return fail(Error{.code = ErrorCode::invalid_argument,
                              .message = "The query string is malformed",
                              .reason = "MalformedQueryString"});
    }
    return form;
}

const std::string& Form::get(std::string_view name) const {
    static const std::string kNone;
    const auto found = fields_.find(name);
    return found == fields_.end() ? kNone : found->second;
}

std::vector<std::string> Form::list(std::string_view name, std::string_view field) const {
    std::vector<std::string> out;
    while (true) {
        std::string key = fmt::format("{}.member.{}", name, out.size() + 1);
        if (!field.empty()) key.append(1, '.').append(field);
        const auto found = fields_.find(key);
        if (found == fields_.end()) return out;
        out.push_back(found->second);
    }
}

std::map<std::string, std::string> Form::tags(std::string_view name) const {
    const auto keys = list(name, "Key");
    const auto values = list(name, "Value");
    std::map<std::string, std::string> out;
    for (std::size_t i = 0; i < keys.size(); ++i) out[keys[i]] = i < values.size() ? values[i] : "";
    return out;
}

Result<std::int64_t> Form::number(std::string_view name, std::int64_t otherwise) const {
    const std::string& text = get(name);
    if (text.empty()) return otherwise;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
        return fail(Error{.code = ErrorCode::invalid_argument,
                          .message = fmt::format("{} is a number", name),
                          .reason = "ValidationError"});
    return value;
}

Result<std::string> Form::require(std::string_view name) const {
    if (const std::string& value = get(name); !value.empty()) return value;
    return fail(Error{.code = ErrorCode::invalid_argument,
                      .message = fmt::format("The request must contain the parameter {}", name),
                      .reason = "ValidationError"});
}

net::Response query_response(const QueryService& service, std::string_view action,
                             const json::object& result, std::string_view request_id) {
    std::string body = fmt::format("<{}Response xmlns=\"{}\">", action, service.xml_namespace);
    append_element(body, fmt::format("{}Result", action), result);
    body += fmt::format(
        "<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata>"
        "</{}Response>\n",
        request_id, action);
    return xml(200, request_id, std::move(body));
}

net::Response query_error(const QueryService& service, const Error& error,
                          std::string_view request_id) {
    const Answer answer = answer_of(error);
    std::string message;
    append_escaped(message, error.code == ErrorCode::internal
                                ? "The request could not be processed because of an internal error"
                                : error.message);
    return xml(answer.status, request_id,
               fmt::format("<ErrorResponse xmlns=\"{}\"><Error><Type>{}</Type><Code>{}</Code>"
                           "<Message>{}</Message></Error><RequestId>{}</RequestId>"
                           "</ErrorResponse>\n",
                           service.xml_namespace, answer.status < 500 ? "Sender" : "Receiver",
                           answer.code, message, request_id));
}

std::string query_time(WallTime time) {
    return to_rfc3339(time).substr(0, 19) + "Z";
}

}  // namespace ac::wire
