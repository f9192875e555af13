#include "server/pipeline.h"

#include <fmt/format.h>

#include "base/log.h"
#include "bearer/authorizer.h"
#include "server/body_spool.h"
#include "server/observed_exchange.h"
#include "server/version.h"
#include "wire/cognito_front.h"
#include "wire/iam_front.h"
#include "wire/sts_front.h"

namespace ac::server {
namespace {

constexpr std::string_view kApiService = "bedrock-agentcore";
constexpr std::string_view kBedrockService = "bedrock";
constexpr std::string_view kS3Service = "s3";
constexpr std::string_view kStsService = "sts";
constexpr std::string_view kIamService = "iam";
constexpr std::string_view kCognitoService = "cognito-idp";
constexpr std::uint64_t kCognitoBodyBytesMax = 256 * 1024;
constexpr std::uint64_t kTelemetryBodyBytesMax = 256 * 1024;
// The longest policy document is 128 KB before it is encoded.
constexpr std::uint64_t kQueryBodyBytesMax = 512 * 1024;

net::Response text_response(int status, std::string_view type, std::string body) {
    net::Response response{.status = status, .headers = {}, .body = std::move(body)};
    response.headers.add("Content-Type", std::string(type));
    return response;
}

// Deployed behind TLS, clients sign the host without the port that we listen on.
sigv4::Policy policy_for(std::string_view service) {
    return {.unsigned_payload_allowed = service == kS3Service};
}

bool is_open_path(std::string_view path) {
    return path == "/healthz" || path == "/metrics";
}

}  // namespace

Detached Pipeline::handle(net::Exchange& exchange) {
    const SteadyTime started = parts_.clock.steady();
    ObservedExchange observed(exchange);
    wire::CallContext context;
    context.request_id = random_uuid(parts_.random);
    context.now = parts_.clock.wall();
    context.head = &exchange.request();
    if (parts_.guest) {
        context.guest_runtime = parts_.guest->runtime;
        context.guest_session = parts_.guest->session;
    }
    context.base_url = base_url(exchange.request());
    const std::string request_id = context.request_id;
    std::string_view operation = "-";
    std::string bug;
    try {
        operation = co_await answer(observed, context);
    } catch (const std::exception& thrown) {
        bug = thrown.what();
    }
    if (!bug.empty()) {
        AC_LOG(error, "a request threw", {"request_id", request_id}, {"what", bug});
        wire::CallContext again;
        again.request_id = request_id;
        Error internal{.code = ErrorCode::internal, .message = "internal error"};
        if (observed.started())
            observed.abort();
        else
            co_await parts_.api.serve_error(observed, std::move(again), std::move(internal));
    }
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(parts_.clock.steady() - started);
    parts_.metrics.observe_request(operation, observed.status(), took);
    AC_LOG(debug, "request", {"request_id", request_id}, {"operation", operation},
           {"status", observed.status()}, {"us", took.count()}, {"peer", exchange.peer()});
}

Pipeline::Answered Pipeline::answer(net::Exchange& exchange, wire::CallContext& context) {
    const std::string_view path = exchange.request().path();
    if (is_call_with_key(exchange.request())) co_return co_await answer_with_key(exchange, context);
    if (parts_.guest && !exchange.request().headers.contains("Authorization") &&
        !sigv4::is_signed(exchange.request()))
        co_return co_await answer_guest(exchange, context);
    if (!is_open_path(path)) {
        const bool is_signed = sigv4::is_signed(exchange.request());
        if (!is_signed && parts_.api.takes_unsigned(exchange.request()))
            co_return co_await answer_unsigned(exchange, context);
        if (!is_signed && !parts_.guest && parts_.issuer_front &&
            parts_.issuer_front->takes(exchange.request()))
            co_return co_await answer_issuer(exchange, context);
        if (!is_signed && !parts_.guest &&
            wire::is_unsigned_cognito(wire::cognito_operation(exchange.request())))
            co_return co_await serve_cognito(exchange, context, exchange.body());
        co_return co_await answer_signed(exchange, context);
    }
    auto response =
        path == "/healthz"
            ? text_response(200, "application/json",
                            fmt::format("{{\"status\":\"ok\",\"version\":\"{}\"}}\n", kVersion))
            : text_response(200, "text/plain; version=0.0.4", parts_.metrics.render());
    const auto sent = co_await exchange.respond(std::move(response));
    co_return sent ? "health" : "-";
}

// Its handlers ask for a token themselves. Nothing vouches for the body, so it need not be taken in
// before anything acts on it.
Pipeline::Answered Pipeline::answer_unsigned(net::Exchange& exchange, wire::CallContext& context) {
    context.is_signed = false;
    const std::string_view authorization = exchange.request().headers.get("Authorization");
    if (const auto token = bearer::bearer_token_in(authorization))
        context.bearer_token = std::string(*token);
    else
        context.bearer_token = bearer::bearer_token_in_protocols(
            exchange.request().headers.get("Sec-WebSocket-Protocol"));
    co_return co_await parts_.api.serve(exchange, std::move(context), exchange.body());
}

Pipeline::Answered Pipeline::answer_issuer(net::Exchange& exchange, wire::CallContext& context) {
    wire::IssuerCall call{.request_id = std::move(context.request_id),
                          .base_url = std::move(context.base_url)};
    co_await parts_.issuer_front->serve(exchange, std::move(call));
    co_return "issuer";
}

Pipeline::Answered Pipeline::serve_cognito(net::Exchange& exchange, wire::CallContext& context,
                                           net::Body& body) {
    std::string operation(wire::cognito_operation(exchange.request()));
    if (!context.scope.account.empty()) {
        const std::string resource = "arn:aws:cognito-idp:" + context.scope.region + ":" +
                                     context.scope.account + ":userpool/*";
        const auto admitted = parts_.gate.check(context, "cognito-idp:" + operation, resource);
        if (!admitted) co_return co_await refuse(exchange, context, admitted.error());
    }
    auto text = co_await net::read_all(body, kCognitoBodyBytesMax);
    if (!text) co_return co_await refuse(exchange, context, std::move(text).error());
    auto response =
        co_await wire::answer_cognito(parts_.issuer, std::move(context.scope), std::move(operation),
                                      *std::move(text), context.request_id);
    if (!response) co_return co_await refuse(exchange, context, std::move(response).error());
    const auto sent = co_await exchange.respond(*std::move(response));
    co_return sent ? "cognito" : "-";
}

std::string Pipeline::base_url(const net::RequestHead& head) const {
    if (!parts_.public_url.empty()) return parts_.public_url;
    constexpr std::string_view kAllowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";
    std::string_view host = head.headers.get("Host");
    if (host.empty() || host.find_first_not_of(kAllowed) != host.npos) host = "localhost";
    // Under AWS's own names we are reached through somebody's TLS.
    const bool is_secure =
        parts_.is_secure || host.ends_with(".amazonaws.com") || host.ends_with(".api.aws");
    return (is_secure ? "https://" : "http://") + std::string(host);
}

Pipeline::Answered Pipeline::answer_signed(net::Exchange& exchange, wire::CallContext& context) {
    auto authorization = sigv4::parse_authorization(exchange.request());
    if (!authorization)
        co_return co_await refuse(exchange, context, std::move(authorization).error());
    const std::string service = authorization->service;
    auto key = find_key(*authorization, context.now);
    if (!key)
        co_return co_await refuse_signed(exchange, context, *authorization, std::move(key).error());
    Caller caller{.authorization = *std::move(authorization), .key = *std::move(key)};
    context.scope = {.account = caller.key.principal.account,
                     .region = caller.authorization.region};
    context.principal = std::move(caller.key.principal);
    context.access_key_id = caller.key.id;
    context.facts = facts_of(exchange, context.now);
    context.facts.region = context.scope.region;
    if (service == kS3Service) co_return co_await serve_s3(exchange, context, caller);
    if (service == kApiService || service == kBedrockService || service == kStsService ||
        service == kIamService || service == kCognitoService || wire::is_telemetry_service(service))
        co_return co_await serve_verified(exchange, context, caller);
    Error error{.code = ErrorCode::not_implemented,
                .message = fmt::format("agentcored does not serve {}", service)};
    co_return co_await refuse(exchange, context, std::move(error));
}

// The listener says who calls; nothing need be signed.
Pipeline::Answered Pipeline::answer_guest(net::Exchange& exchange, wire::CallContext& context) {
    auto spool = co_await BodySpool::take(exchange.body(), kBodyBytesMax, spool_place(exchange));
    if (!spool) co_return co_await refuse(exchange, context, std::move(spool).error());
    context.principal = parts_.guest->principal();
    context.scope = {.account = context.principal.account, .region = parts_.guest->region};
    context.facts = facts_of(exchange, context.now);
    context.facts.region = context.scope.region;
    co_return co_await parts_.api.serve(exchange, std::move(context), **spool);
}

Result<access::AccessKey> Pipeline::find_key(const sigv4::Authorization& authorization,
                                             WallTime now) const {
    return parts_.keys.find(authorization.access_key_id, authorization.security_token, now);
}

access::RequestFacts Pipeline::facts_of(const net::Exchange& exchange, WallTime now) const {
    const net::Headers& headers = exchange.request().headers;
    std::string_view peer = exchange.peer();
    peer = peer.substr(0, peer.rfind(':'));
    if (peer.starts_with('[') && peer.ends_with(']')) peer = peer.substr(1, peer.size() - 2);
    return {.source_ip = std::string(peer),
            .user_agent = std::string(headers.get("User-Agent")),
            .referer = std::string(headers.get("Referer")),
            .secure = parts_.is_secure,
            .now = now};
}

Pipeline::Answered Pipeline::refuse(net::Exchange& exchange, wire::CallContext& context,
                                    Error error) {
    co_await parts_.api.serve_error(exchange, std::move(context), std::move(error));
    co_return "-";
}

// In the way of the service that the signature names.
Pipeline::Answered Pipeline::refuse_signed(net::Exchange& exchange, wire::CallContext& context,
                                           const sigv4::Authorization& authorization, Error error) {
    const std::string& service = authorization.service;
    if (service == kS3Service) {
        wire::S3Call call;
        call.request_id = std::move(context.request_id);
        call.now = context.now;
        call.verified = std::unexpected(std::move(error));
        co_await parts_.s3.serve(exchange, std::move(call));
        co_return "s3";
    }
    if (service != kStsService && service != kIamService)
        co_return co_await refuse(exchange, context, std::move(error));
    auto response = wire::query_error(service == kStsService ? wire::kSts : wire::kIam, error,
                                      context.request_id);
    (void)co_await exchange.respond(std::move(response));
    co_return service == kStsService ? "sts" : "iam";
}

// S3 bodies may be large and go to disk anyway: the front checks their hash as they come.
Pipeline::Answered Pipeline::serve_s3(net::Exchange& exchange, wire::CallContext& context,
                                      Caller& caller) {
    wire::S3Call call;
    call.request_id = context.request_id;
    call.scope = context.scope;
    call.principal = context.principal;
    call.now = context.now;
    call.content_sha256 = caller.authorization.content_sha256;
    const sigv4::KeyMaterial material{.secret = caller.key.secret->view(),
                                      .session_token = caller.key.session_token};
    call.verified = verifier_.verify(caller.authorization, exchange.request(), material, {},
                                     context.now, policy_for(kS3Service));
    if (call.verified)
        parts_.keys.note_use(caller.key, kS3Service, context.scope.region, context.now);
    call.may = [this, &context](std::string_view action, std::string_view resource,
                                const access::RequestContext& keys) {
        return parts_.gate.check(context, action, resource, keys);
    };
    co_await parts_.s3.serve(exchange, std::move(call));
    co_return "s3";
}

Pipeline::Answered Pipeline::serve_verified(net::Exchange& exchange, wire::CallContext& context,
                                            Caller& caller) {
    auto spool = co_await BodySpool::take(exchange.body(), kBodyBytesMax, spool_place(exchange));
    if (!spool)
        co_return co_await refuse_signed(exchange, context, caller.authorization,
                                         std::move(spool).error());
    const sigv4::KeyMaterial material{.secret = caller.key.secret->view(),
                                      .session_token = caller.key.session_token};
    auto verified = verifier_.verify(caller.authorization, exchange.request(), material,
                                     (*spool)->sha256_hex(), context.now, policy_for(kApiService));
    if (!verified)
        co_return co_await refuse_signed(exchange, context, caller.authorization,
                                         std::move(verified).error());
    parts_.keys.note_use(caller.key, caller.authorization.service, context.scope.region,
                         context.now);
    const std::string& service = caller.authorization.service;
    if (service == kStsService || service == kIamService)
        co_return co_await serve_query(exchange, context, caller, **spool);
    if (wire::is_model_front_path(exchange.request().path()))
        co_return co_await parts_.models.serve(exchange, std::move(context), **spool);
    if (service == kCognitoService) co_return co_await serve_cognito(exchange, context, **spool);
    if (wire::is_telemetry_service(service))
        co_return co_await serve_telemetry(exchange, context, service, **spool);
    co_return co_await parts_.api.serve(exchange, std::move(context), **spool);
}

Pipeline::Answered Pipeline::serve_telemetry(net::Exchange& exchange, wire::CallContext& context,
                                             const std::string& service, net::Body& body) {
    auto text = co_await net::read_all(body, kTelemetryBodyBytesMax);
    if (!text) co_return co_await refuse(exchange, context, std::move(text).error());
    wire::TelemetryCall call{
        .request_id = context.request_id,
        .scope = context.scope,
        .now = context.now,
        .service = service,
        .operation = std::string(wire::telemetry_operation(exchange.request(), service)),
        .body = *std::move(text)};
    call.may = [this, &context](std::string_view action, std::string_view resource) {
        return parts_.gate.check(context, action, resource);
    };
    auto response = co_await wire::answer_telemetry(parts_.telemetry, std::move(call));
    const auto sent = co_await exchange.respond(std::move(response));
    co_return sent ? "telemetry" : "-";
}

Pipeline::Answered Pipeline::serve_query(net::Exchange& exchange, wire::CallContext& context,
                                         Caller& caller, net::Body& body) {
    const bool is_sts = caller.authorization.service == kStsService;
    auto form = co_await net::read_all(body, kQueryBodyBytesMax);
    if (!form)
        co_return co_await refuse_signed(exchange, context, caller.authorization,
                                         std::move(form).error());
    if (form->empty()) *form = exchange.request().query();
    wire::QueryCall call{.request_id = context.request_id,
                         .scope = context.scope,
                         .principal = context.principal,
                         .facts = context.facts,
                         .access_key_id = caller.key.id};
    net::Response response;
    if (is_sts) {
        response = wire::answer_sts(parts_.access, *form, call);
    } else {
        response = co_await wire::answer_iam(parts_.access, *std::move(form), std::move(call));
    }
    const auto sent = co_await exchange.respond(std::move(response));
    if (!sent) co_return "-";
    co_return is_sts ? "sts" : "iam";
}

}  // namespace ac::server
