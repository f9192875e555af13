#include "wire/sts_front.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace ac::wire {
namespace {

std::string xml_escape(std::string_view text) {
    std::string out;
    for (char c : text) {
        if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '&')
            out += "&amp;";
        else
            out += c;
    }
    return out;
}

std::string form_value(std::string_view form, std::string_view name) {
    while (!form.empty()) {
        const auto end = form.find('&');
        const auto pair = form.substr(0, end);
        const auto equals = pair.find('=');
        if (pair.substr(0, equals) == name && equals != std::string_view::npos)
            return percent_decode(pair.substr(equals + 1), true).value_or("");
        if (end == std::string_view::npos) break;
        form.remove_prefix(end + 1);
    }
    return {};
}

net::Response xml(int status, const std::string& request_id, std::string body) {
    net::Response response{.status = status, .headers = {}, .body = std::move(body)};
    response.headers.add("Content-Type", "text/xml");
    response.headers.add("x-amzn-RequestId", request_id);
    return response;
}

}  // namespace

net::Response answer_sts(std::string_view form, const access::Principal& principal,
                         const std::string& access_key_id, const std::string& request_id) {
    const std::string action = form_value(form, "Action");
    if (action != "GetCallerIdentity") {
        const auto message = action.empty()
                                 ? std::string("Action is missing")
                                 : fmt::format("{} is not implemented by agentcored", action);
        return xml(400, request_id,
                   fmt::format("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
                               "<Error><Type>Sender</Type><Code>InvalidAction</Code>"
                               "<Message>{}</Message></Error><RequestId>{}</RequestId>"
                               "</ErrorResponse>\n",
                               xml_escape(message), request_id));
    }
    return xml(200, request_id,
               fmt::format("<GetCallerIdentityResponse "
                           "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
                           "<GetCallerIdentityResult><Arn>{}</Arn><UserId>{}</UserId>"
                           "<Account>{}</Account></GetCallerIdentityResult>"
                           "<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata>"
                           "</GetCallerIdentityResponse>\n",
                           xml_escape(principal.arn), xml_escape(access_key_id),
                           xml_escape(principal.account), request_id));
}

}  // namespace ac::wire
