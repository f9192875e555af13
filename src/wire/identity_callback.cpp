#include "wire/identity_callback.h"

#include <set>

#include "base/log.h"
#include "wire/query.h"

namespace ac::wire {
namespace {

constexpr std::size_t kParameterBytesMax = 8 * 1024;

// Browsers keep nothing of it, and tell nobody which page they came from: its URL has the code.
void add_privacy(net::Headers& headers) {
    headers.add("Cache-Control", "no-store");
    headers.add("Referrer-Policy", "no-referrer");
    headers.add("X-Content-Type-Options", "nosniff");
    headers.add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
}

net::Response page(int status, std::string_view text) {
    net::Response response{.status = status, .headers = {}, .body = {}};
    add_privacy(response.headers);
    response.headers.add("Content-Type", "text/html; charset=utf-8");
    response.body = "<!doctype html><title>Authorization</title><p>";
    response.body += text;
    response.body += "</p>\n";
    return response;
}

// Fixed words: nothing of the request comes back in the page.
net::Response error_page(const Error& error) {
    switch (error.code) {
        case ErrorCode::invalid_argument:
            return page(400, "The authorization server's answer cannot be read.");
        case ErrorCode::not_found:
            return page(400,
                        "This authorization is not under way: it was used already, or its ten "
                        "minutes are over. Go back to the application and begin again.");
        case ErrorCode::permission_denied:
            return page(400, "The answer does not come from the authorization server asked.");
        default:
            return page(503, "The authorization cannot be completed now. Try again later.");
    }
}

net::Response redirect(const std::string& url) {
    net::Response response{.status = 302, .headers = {}, .body = {}};
    add_privacy(response.headers);
    response.headers.add("Location", url);
    return response;
}

Task<> answer_callback(identity::IdentityService& service, CallContext call, json::object input,
                       net::Exchange& exchange) {
    const std::string id(std::string_view(input.at("callbackId").as_string()));
    auto query = callback_query_from(call.head->query());
    if (!query) {
        net::Response refused = error_page(query.error());
        co_return co_await exchange.respond(std::move(refused));
    }
    const auto next = co_await service.consents().callback(id, *std::move(query));
    if (!next) AC_LOG(info, "an authorization was refused", {"reason", next.error().message});
    net::Response response = next ? redirect(*next) : error_page(next.error());
    co_return co_await exchange.respond(std::move(response));
}

}  // namespace

Result<identity::CallbackQuery> callback_query_from(std::string_view text) {
    AC_TRY(const auto parameters, parse_query(text));
    identity::CallbackQuery out;
    std::set<std::string_view> seen;
    for (const QueryParameter& parameter : parameters) {
        if (parameter.value.size() > kParameterBytesMax || !seen.insert(parameter.name).second)
            return fail(ErrorCode::invalid_argument, "a parameter is too long or given twice");
        if (parameter.name == "state") out.state = parameter.value;
        if (parameter.name == "code") out.code = parameter.value;
        if (parameter.name == "error") out.error = parameter.value;
        if (parameter.name == "iss") out.issuer = parameter.value;
    }
    out.has_issuer = seen.contains("iss");
    if (out.state.empty()) return fail(ErrorCode::invalid_argument, "state is missing");
    return out;
}

void bind_identity_callback(Api& api, identity::IdentityService& service) {
    api.bind_open(
        "GET", "/identities/oauth2/callback/{callbackId}",
        [&service](CallContext call, json::object input, net::Exchange& exchange, net::Body&) {
            return answer_callback(service, std::move(call), std::move(input), exchange);
        });
}

}  // namespace ac::wire
