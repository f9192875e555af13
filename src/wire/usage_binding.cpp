#include "wire/usage_binding.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

namespace ac::wire {
namespace {

constexpr int kDaysMax = 400;

std::string text_in(const json::object& input, std::string_view name) {
    const auto* value = input.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

std::unexpected<Error> invalid(std::string path, std::string message) {
    return fail({.code = ErrorCode::invalid_argument,
                 .message = message,
                 .fields = {{std::move(path), message}}});
}

Result<> take_label(std::string_view label, models::UsageQuery& query) {
    if (label == "model")
        query.by_model = true;
    else if (label == "runtime")
        query.by_runtime = true;
    else if (label == "session")
        query.by_session = true;
    else
        return invalid("by", "by is a list of model, runtime and session");
    return {};
}

Result<models::UsageQuery> query_from(const CallContext& call, const json::object& input) {
    models::UsageQuery query{.account = call.scope.account};
    query.runtime = text_in(input, "runtime");
    query.session = text_in(input, "session");
    if (const std::string days = text_in(input, "days"); !days.empty()) {
        const char* end = days.data() + days.size();
        const auto [stop, error] = std::from_chars(days.data(), end, query.days);
        if (error != std::errc{} || stop != end || query.days < 1 || query.days > kDaysMax)
            return invalid("days", "days is a number from 1 to " + std::to_string(kDaysMax));
    }
    const std::string by = text_in(input, "by");
    if (by.empty()) return query;
    query.by_model = false;
    for (std::string_view rest = by; !rest.empty();) {
        const auto comma = rest.find(',');
        AC_CHECK(take_label(rest.substr(0, comma), query));
        rest = comma == rest.npos ? "" : rest.substr(comma + 1);
    }
    return query;
}

json::object output_of(const models::UsageSum& sum) {
    constexpr double kNano = 1e9;
    const auto mean = [&](std::int64_t total) {
        return sum.requests > 0 ? total / sum.requests : 0;
    };
    return {{"requests", sum.requests},
            {"errors", sum.errors},
            {"inputTokens", sum.usage.input_tokens},
            {"outputTokens", sum.usage.output_tokens},
            {"cacheReadInputTokens", sum.usage.cache_read_input_tokens},
            {"cacheWriteInputTokens", sum.usage.cache_write_input_tokens},
            {"meanLatencyMs", mean(sum.latency_ms)},
            {"meanFirstEventMs", mean(sum.first_event_ms)},
            {"estimatedCostUsd", static_cast<double>(sum.nano_dollars) / kNano}};
}

Task<> report(models::UsageBook& usage, CallContext call, json::object input,
              net::Exchange& exchange) {
    AC_CO_TRY(const auto query, query_from(call, input));
    AC_CO_TRY(const auto rows, co_await usage.report(query));
    models::UsageSum total;
    json::array items;
    for (const auto& [key, sum] : rows) {
        total += sum;
        json::object row = output_of(sum);
        if (query.by_model) {
            row["model"] = key.model;
            row["provider"] = key.provider;
        }
        if (query.by_runtime) row["agentRuntimeId"] = key.runtime;
        if (query.by_session) row["runtimeSessionId"] = key.session;
        items.push_back(std::move(row));
    }
    const json::object out{
        {"days", query.days}, {"rows", std::move(items)}, {"total", output_of(total)}};
    net::Response response{.status = 200, .headers = {}, .body = json::serialize(out)};
    response.headers.add("Content-Type", "application/json");
    co_return co_await exchange.respond(std::move(response));
}

}  // namespace

void bind_usage(Api& api, models::UsageBook& usage) {
    api.bind_extension(
        "GET", "/x/usage",
        [&usage](CallContext call, json::object input, net::Exchange& exchange, net::Body&) {
            return report(usage, std::move(call), std::move(input), exchange);
        });
}

}  // namespace ac::wire
