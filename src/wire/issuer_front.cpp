#include "wire/issuer_front.h"

#include <array>
#include <boost/json.hpp>

#include "base/encoding.h"
#include "base/log.h"
#include "bearer/authorizer.h"
#include "wire/form.h"
#include "wire/login_page.h"

namespace ac::wire {
namespace {

namespace json = boost::json;

using issuer::ClientProof;
using issuer::Form;
using issuer::Issuer;
using issuer::Pool;

constexpr std::size_t kFormBytesMax = 64 * 1024;
constexpr std::string_view kRoot = "/issuer";
constexpr std::string_view kInserted = "/.well-known/oauth-authorization-server/issuer";
constexpr std::string_view kCookie = "agentcored-login";

// Where a request goes: which pool, which of its endpoints, and what its endpoints are below.
struct Place {
    enum class By { id, domain };
    By by = By::id;
    std::string pool;
    std::string endpoint;  // "/oauth2/token"
};

std::string first_segment(std::string_view path) {
    return std::string(path.substr(0, path.find('/', 1))).substr(path.empty() ? 0 : 1);
}

std::string_view host_of(const net::RequestHead& head) {
    const std::string_view host = head.headers.get("Host");
    return host.substr(0, host.find(':'));
}

std::optional<Place> place_of(const net::RequestHead& head) {
    const std::string_view path = head.path();
    const std::string_view host = host_of(head);
    if (path == kInserted)
        return Place{.pool = std::string(issuer::kDefaultPool),
                     .endpoint = "/.well-known/oauth-authorization-server"};
    if (path.starts_with("/issuer/")) {
        const std::string_view rest = path.substr(kRoot.size());
        const std::string name = first_segment(rest);
        if (name == ".well-known" || name == "oauth2" || name == "login")
            return Place{.pool = std::string(issuer::kDefaultPool), .endpoint = std::string(rest)};
        return Place{.pool = name, .endpoint = std::string(rest.substr(1 + name.size()))};
    }
    if (host.starts_with("cognito-idp.") && host.ends_with(".amazonaws.com") &&
        path.find("/.well-known/") != path.npos) {
        const std::string name = first_segment(path);
        return Place{.pool = name, .endpoint = std::string(path.substr(1 + name.size()))};
    }
    const auto domain_end = host.find(".auth.");
    if (domain_end != host.npos && host.ends_with(".amazoncognito.com"))
        return Place{.by = Place::By::domain,
                     .pool = std::string(host.substr(0, domain_end)),
                     .endpoint = std::string(path)};
    return std::nullopt;
}

net::Response json_response(int status, std::string body) {
    net::Response response{.status = status, .headers = {}, .body = std::move(body)};
    response.headers.add("Content-Type", "application/json");
    response.headers.add("Cache-Control", "no-store");
    // No cookie counts here, so that any page may ask.
    response.headers.add("Access-Control-Allow-Origin", "*");
    return response;
}

// A request that was refused as a message, before anything in it was looked at.
net::Response refused_message(const Error& error) {
    const bool is_large = error.code == ErrorCode::too_large;
    const std::string why = is_large ? "the request is too large" : "the request is malformed";
    const json::object body{{"error", "invalid_request"}, {"error_description", why}};
    return json_response(is_large ? 413 : 400, json::serialize(body));
}

// RFC 6749 5.2, RFC 6750 3.
net::Response error_response(const Error& error, std::string_view scheme) {
    const bool is_ours = error.reason.empty();
    json::object body;
    body["error"] = is_ours ? "server_error" : error.reason;
    body["error_description"] = is_ours ? "the issuer cannot answer now" : error.message;
    const bool is_token = error.reason == "invalid_token" || error.reason == "invalid_client";
    const int status = is_ours ? 500 : is_token ? 401 : 400;
    net::Response response =
        json_response(error.reason == "insufficient_scope" ? 403 : status, json::serialize(body));
    if (status == 401 || error.reason == "insufficient_scope")
        response.headers.add("WWW-Authenticate", scheme == "Basic"
                                                     ? std::string("Basic realm=\"issuer\"")
                                                     : "Bearer error=\"" + error.reason + "\"");
    return response;
}

// RFC 6749 2.3.1: both halves are form-encoded before they are put together.
Result<ClientProof> proof_of(const net::RequestHead& head, const Form& form) {
    const auto invalid = [](std::string_view reason, std::string message) {
        return issuer::oauth_error(reason, std::move(message));
    };
    constexpr std::string_view kBasic = "basic ";
    const std::string_view header = head.headers.get("Authorization");
    const auto id = form.find("client_id");
    const auto secret = form.find("client_secret");
    if (header.empty()) {
        if (id == form.end()) return invalid("invalid_client", "the client is not named");
        ClientProof proof{.id = id->second};
        if (secret != form.end()) proof.secret = secret->second;
        return proof;
    }
    if (header.size() <= kBasic.size() ||
        !equals_ignoring_case(header.substr(0, kBasic.size()), kBasic))
        return invalid("invalid_client", "the client authenticates with Basic or in the form");
    if (secret != form.end())
        return invalid("invalid_request", "the client authenticates in two ways");
    const auto pair = from_base64(trim(header.substr(kBasic.size())));
    const auto colon = pair ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos)
        return invalid("invalid_client", "the credentials are malformed");
    auto name = percent_decode(pair->substr(0, colon), true);
    auto password = percent_decode(pair->substr(colon + 1), true);
    if (!name || !password) return invalid("invalid_client", "the credentials are malformed");
    if (id != form.end() && id->second != *name)
        return invalid("invalid_request", "client_id is another than in the credentials");
    return ClientProof{.id = *std::move(name), .secret = *std::move(password), .in_header = true};
}

std::string cookie_in(const net::RequestHead& head) {
    std::string_view cookies = head.headers.get("Cookie");
    while (!cookies.empty()) {
        const auto end = std::min(cookies.find(';'), cookies.size());
        const std::string_view pair = trim(cookies.substr(0, end));
        cookies.remove_prefix(std::min(end + 1, cookies.size()));
        if (pair.starts_with(kCookie) && pair.substr(kCookie.size()).starts_with('='))
            return std::string(pair.substr(kCookie.size() + 1));
    }
    return {};
}

class Front final : public IssuerFront {
  public:
    Front(Issuer& issuer, Random& random) : issuer_(issuer), random_(random) {}

    bool takes(const net::RequestHead& head) const override { return place_of(head).has_value(); }

    Detached serve(net::Exchange& exchange, IssuerCall call) override {
        auto response = co_await answer(exchange, call);
        if (!response) {
            if (response.error().code == ErrorCode::internal)
                AC_LOG(error, "the issuer failed", {"request_id", call.request_id},
                       {"what", response.error().message});
            response = error_response(response.error(), "");
        }
        response->headers.add("x-amzn-RequestId", call.request_id);
        (void)co_await exchange.respond(*std::move(response));
    }

  private:
    Task<net::Response> answer(net::Exchange& exchange, const IssuerCall& call) {
        const net::RequestHead& head = exchange.request();
        if (head.method == "OPTIONS") co_return preflight();
        const auto place = place_of(head);
        if (!place) co_return not_found();
        auto finding = place->by == Place::By::domain
                           ? issuer_.directory().pool_of_domain(place->pool)
                           : issuer_.directory().pool(place->pool);
        auto found = co_await std::move(finding);
        if (!found) {
            if (found.error().code == ErrorCode::not_found) co_return not_found();
            co_return fail(std::move(found).error());
        }
        Pool pool = *std::move(found);
        const std::string& endpoint = place->endpoint;
        if (head.method == "GET" && endpoint.starts_with("/.well-known/"))
            co_return co_await describe(std::move(pool), endpoint, call);
        if (head.method == "GET" && (endpoint == "/oauth2/authorize" || endpoint == "/login"))
            co_return co_await authorize(std::move(pool), head, *place);
        if (endpoint == "/oauth2/userInfo" && (head.method == "GET" || head.method == "POST"))
            co_return co_await user_information(std::move(pool), head);
        if (head.method != "POST") co_return not_found();
        const auto body = co_await net::read_all(exchange.body(), kFormBytesMax);
        if (!body) co_return refused_message(body.error());
        auto form = parse_form(*body);
        if (!form) co_return error_response(form.error(), "");
        if (endpoint == "/oauth2/token")
            co_return co_await token(std::move(pool), head, *std::move(form));
        if (endpoint == "/oauth2/revoke")
            co_return co_await revoke(std::move(pool), head, *std::move(form));
        if (endpoint == "/login")
            co_return co_await log_in(std::move(pool), head, *std::move(form), *place);
        co_return not_found();
    }

    static net::Response not_found() { return json_response(404, "{\"error\":\"not_found\"}"); }

    static net::Response preflight() {
        net::Response response{.status = 204, .headers = {}, .body = {}};
        response.headers.add("Access-Control-Allow-Origin", "*");
        response.headers.add("Access-Control-Allow-Methods", "GET, POST");
        response.headers.add("Access-Control-Allow-Headers", "Authorization, Content-Type");
        return response;
    }

    // The endpoints are where the caller found the document.
    std::string base_of(const Pool& pool, const IssuerCall& call) const {
        if (!pool.is_cognito()) return pool.url;
        if (call.base_url.ends_with(".amazonaws.com") && !pool.domain.empty())
            return issuer::domain_url(pool);
        return call.base_url + "/issuer/" + pool.id;
    }

    Task<net::Response> describe(Pool pool, std::string endpoint, const IssuerCall& call) {
        net::Response response = not_found();
        if (endpoint == "/.well-known/jwks.json") {
            AC_CO_TRY(std::string keys, co_await issuer_.key_set(std::move(pool)));
            response = json_response(200, std::move(keys));
        } else if (endpoint == "/.well-known/openid-configuration" ||
                   endpoint == "/.well-known/oauth-authorization-server") {
            const json::object document = issuer_.metadata(pool, base_of(pool, call));
            response = json_response(200, json::serialize(document));
        } else {
            co_return response;
        }
        response.headers.set("Cache-Control", "public, max-age=60");
        co_return response;
    }

    Task<net::Response> token(Pool pool, const net::RequestHead& head, Form form) {
        auto proof = proof_of(head, form);
        const bool in_header = !head.headers.get("Authorization").empty();
        Result<json::object> granted = fail(ErrorCode::internal, "");
        if (proof)
            granted = co_await issuer_.grants().grant(std::move(pool), *std::move(proof),
                                                      std::move(form));
        else
            granted = fail(std::move(proof).error());
        if (!granted) co_return error_response(logged(granted.error()), in_header ? "Basic" : "");
        co_return json_response(200, json::serialize(*granted));
    }

    Task<net::Response> revoke(Pool pool, const net::RequestHead& head, Form form) {
        auto proof = proof_of(head, form);
        if (!proof) co_return error_response(proof.error(), "Basic");
        const auto found = form.find("token");
        if (found == form.end()) {
            const Error missing{.code = ErrorCode::invalid_argument,
                                .message = "token is missing",
                                .reason = "invalid_request"};
            co_return error_response(missing, "");
        }
        const auto revoked =
            co_await issuer_.grants().revoke(std::move(pool), *std::move(proof), found->second);
        if (!revoked) co_return error_response(logged(revoked.error()), "Basic");
        co_return json_response(200, "");
    }

    Task<net::Response> user_information(Pool pool, const net::RequestHead& head) {
        const auto token = bearer::bearer_token_in(head.headers.get("Authorization"));
        auto information = co_await issuer_.grants().user_information(
            std::move(pool), std::string(token.value_or("")));
        if (!information) co_return error_response(logged(information.error()), "Bearer");
        co_return json_response(200, json::serialize(*information));
    }

    Task<net::Response> authorize(Pool pool, const net::RequestHead& head, const Place& place) {
        auto query = parse_form(head.query());
        if (!query) co_return error_page(400, query.error().message);
        std::string cookie = cookie_in(head);
        const bool is_new = cookie.size() < 32;
        if (is_new) cookie = random_alphanumeric(random_, 40);
        auto step = co_await issuer_.logins().begin(std::move(pool), *std::move(query), cookie);
        net::Response response = show(step, place);
        if (is_new)
            response.headers.add("Set-Cookie", std::string(kCookie) + "=" + cookie +
                                                   "; Path=/; HttpOnly; SameSite=Lax");
        co_return response;
    }

    Task<net::Response> log_in(Pool pool, const net::RequestHead& head, Form form,
                               const Place& place) {
        auto step = co_await issuer_.logins().finish(
            std::move(pool), form["ticket"], cookie_in(head), form["username"], form["password"]);
        co_return show(step, place);
    }

    static net::Response show(const Result<issuer::LoginStep>& step, const Place& place) {
        if (!step)
            return error_page(step.error().code == ErrorCode::invalid_argument ? 400 : 503,
                              step.error().code == ErrorCode::invalid_argument
                                  ? step.error().message
                                  : "The issuer cannot answer now.");
        if (const auto* redirect = std::get_if<issuer::Redirect>(&*step)) {
            net::Response response{.status = 303, .headers = {}, .body = {}};
            response.headers.add("Location", redirect->url);
            response.headers.add("Cache-Control", "no-store");
            response.headers.add("Referrer-Policy", "no-referrer");
            return response;
        }
        const auto& page = std::get<issuer::LoginPage>(*step);
        std::string action = "/login";
        if (place.by == Place::By::id)
            action = place.pool == issuer::kDefaultPool ? "/issuer/login"
                                                        : "/issuer/" + place.pool + "/login";
        return login_page({.action = action,
                           .ticket = page.ticket,
                           .client_name = page.client_name,
                           .message = page.message});
    }

    static const Error& logged(const Error& error) {
        if (error.reason.empty())
            AC_LOG(error, "the issuer failed", {"code", to_string(error.code)},
                   {"what", error.message});
        return error;
    }

    Issuer& issuer_;
    Random& random_;
};

}  // namespace

std::unique_ptr<IssuerFront> make_issuer_front(Issuer& issuer, Random& random) {
    return std::make_unique<Front>(issuer, random);
}

}  // namespace ac::wire
