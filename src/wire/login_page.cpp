#include "wire/login_page.h"

namespace ac::wire {
namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '&')
            out += "&amp;";
        else if (c == '"')
            out += "&quot;";
        else if (c == '\'')
            out += "&#39;";
        else
            out += c;
    }
    return out;
}

net::Response page(int status, std::string_view title, std::string body) {
    net::Response response{.status = status, .headers = {}, .body = {}};
    response.headers.add("Content-Type", "text/html; charset=utf-8");
    response.headers.add("Cache-Control", "no-store");
    response.headers.add("Referrer-Policy", "no-referrer");
    response.headers.add("X-Content-Type-Options", "nosniff");
    response.headers.add("X-Frame-Options", "DENY");
    response.headers.add("Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
                         "base-uri 'none'");
    response.body =
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>" + escaped(title) +
        "</title><meta name=\"viewport\" content=\"width=device-width\"><style>"
        "body{font:16px/1.4 system-ui,sans-serif;max-width:22rem;margin:12vh auto;padding:0 1rem}"
        "input,button{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;margin:.2rem 0 "
        "1rem}[role=alert]{color:#a00}</style></head><body><main>" +
        std::move(body) + "</main></body></html>\n";
    return response;
}

}  // namespace

net::Response login_page(const LoginForm& form) {
    std::string body =
        "<h1>Log in</h1><p>to continue to <strong>" + escaped(form.client_name) + "</strong></p>";
    if (!form.message.empty()) body += "<p role=\"alert\">" + escaped(form.message) + "</p>";
    body += "<form method=\"post\" action=\"" + escaped(form.action) +
            "\"><input type=\"hidden\" name=\"ticket\" value=\"" + escaped(form.ticket) +
            "\"><label for=\"username\">User name</label><input id=\"username\" name=\"username\" "
            "autocomplete=\"username\" required autofocus><label for=\"password\">Password</label>"
            "<input id=\"password\" name=\"password\" type=\"password\" "
            "autocomplete=\"current-password\" required><button>Log in</button></form>";
    return page(200, "Log in", std::move(body));
}

net::Response error_page(int status, std::string_view message) {
    return page(status, "Login failed",
                "<h1>Login failed</h1><p role=\"alert\">" + escaped(message) + "</p>");
}

}  // namespace ac::wire
