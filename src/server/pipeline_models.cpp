// Calls of models by clients that cannot sign: an API key, or nothing at all from inside a sandbox,
// where the listener says who calls.

#include <algorithm>

#include "server/pipeline.h"

namespace ac::server {
namespace {

// A key names no region; this is where the guide's agents live.
constexpr std::string_view kRegionOfKeys = "us-west-2";

// Bedrock's own operations, which take a key too (AWS_BEARER_TOKEN_BEDROCK).
bool is_bedrock_path(std::string_view path) {
    constexpr std::string_view kPrefixes[] = {"/model/", "/foundation-models",
                                              "/inference-profiles"};
    return std::ranges::any_of(kPrefixes,
                               [&](std::string_view prefix) { return path.starts_with(prefix); });
}

Error unknown_key() {
    return {.code = ErrorCode::unauthenticated,
            .message =
                "The API key is missing, unknown or deleted, or its access key is inactive "
                "(`agentcore models key create` makes one)",
            .reason = "UnrecognizedClientException"};
}

}  // namespace

bool Pipeline::is_call_with_key(const net::RequestHead& head) const {
    if (sigv4::is_signed(head)) return false;
    if (wire::is_model_front_path(head.path())) return true;
    return is_bedrock_path(head.path()) && wire::api_key_in(head.headers);
}

Task<access::Principal> Pipeline::owner_of_key(const net::RequestHead& head, WallTime now) const {
    const auto secret = wire::api_key_in(head.headers);
    if (!secret) co_return fail(unknown_key());
    AC_CO_TRY(const auto known, co_await parts_.api_keys.find(*secret));
    if (!known) co_return fail(unknown_key());
    const auto owner = parts_.keys.find(known->access_key_id, {}, now);
    if (!owner) co_return fail(unknown_key());
    co_return owner->principal;
}

// Nothing vouches for the body, so it need not be taken in before anything acts on it.
Pipeline::Answered Pipeline::answer_with_key(net::Exchange& exchange, wire::CallContext& context) {
    const bool is_front = wire::is_model_front_path(exchange.request().path());
    Result<access::Principal> caller = access::Principal();
    if (parts_.guest) {
        caller = parts_.guest->principal();
        context.scope.region = parts_.guest->region;
    } else {
        caller = co_await owner_of_key(exchange.request(), context.now);
        context.scope.region = kRegionOfKeys;
    }
    if (!caller && is_front) {
        co_await parts_.models.serve_error(exchange, context.request_id, std::move(caller).error());
        co_return "-";
    }
    if (!caller) co_return co_await refuse(exchange, context, std::move(caller).error());
    context.principal = *std::move(caller);
    context.scope.account = context.principal.account;
    context.facts = facts_of(exchange, context.now);
    context.facts.region = context.scope.region;
    if (is_front)
        co_return co_await parts_.models.serve(exchange, std::move(context), exchange.body());
    co_return co_await parts_.api.serve(exchange, std::move(context), exchange.body());
}

}  // namespace ac::server
