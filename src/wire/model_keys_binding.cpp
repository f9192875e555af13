#include "wire/model_keys_binding.h"

#include <boost/json/serialize.hpp>

#include "base/time_text.h"
#include "wire/json_members.h"
#include "wire/json_text.h"
#include "wire/limits.h"

namespace ac::wire {
namespace {

using access::ApiKeys;

json::object key_output(const access::ApiKey& key) {
    return {{"id", key.id},
            {"name", key.name},
            {"accessKeyId", key.access_key_id},
            {"createdAt", to_rfc3339(key.created_at)}};
}

Task<> answer(net::Exchange& exchange, int status, json::object body) {
    net::Response response{.status = status, .headers = {}, .body = json::serialize(body)};
    response.headers.add("Content-Type", "application/json");
    co_return co_await exchange.respond(std::move(response));
}

Task<> create(ApiKeys& keys, CallContext call, net::Exchange& exchange, net::Body& body) {
    AC_CO_TRY(const std::string text, co_await net::read_all(body, kJsonBodyBytesMax));
    AC_CO_TRY(const auto input, parse_json(text));
    if (!input.is_object())
        co_return fail(ErrorCode::invalid_argument, "want a JSON object with a name");
    // A key of temporary credentials would outlive them.
    if (!call.access_key_id.starts_with("AKIA"))
        co_return fail(ErrorCode::permission_denied,
                       "API keys are made with a long-term access key");
    std::string name = string_in(input.get_object(), "name");
    AC_CO_TRY(auto made,
              co_await keys.create(call.scope.account, call.access_key_id, std::move(name)));
    json::object out = key_output(made.key);
    out["secret"] = made.secret;
    co_return co_await answer(exchange, 201, std::move(out));
}

Task<> list(ApiKeys& keys, CallContext call, net::Exchange& exchange) {
    AC_CO_TRY(const auto found, co_await keys.list(call.scope.account));
    json::array items;
    for (const access::ApiKey& key : found) items.emplace_back(key_output(key));
    json::object out;
    out["keys"] = std::move(items);
    co_return co_await answer(exchange, 200, std::move(out));
}

Task<> remove(ApiKeys& keys, CallContext call, json::object input, net::Exchange& exchange) {
    AC_CO_CHECK(co_await keys.remove(call.scope.account, string_in(input, "keyId")));
    json::object none;
    co_return co_await answer(exchange, 200, std::move(none));
}

}  // namespace

void bind_model_keys(Api& api, ApiKeys& keys) {
    api.bind_extension(
        "POST", "/x/model-keys",
        [&keys](CallContext call, json::object, net::Exchange& exchange, net::Body& body) {
            return create(keys, std::move(call), exchange, body);
        });
    api.bind_extension("GET", "/x/model-keys",
                       [&keys](CallContext call, json::object, net::Exchange& exchange,
                               net::Body&) { return list(keys, std::move(call), exchange); });
    api.bind_extension(
        "DELETE", "/x/model-keys/{keyId}",
        [&keys](CallContext call, json::object input, net::Exchange& exchange, net::Body&) {
            return remove(keys, std::move(call), std::move(input), exchange);
        });
}

}  // namespace ac::wire
