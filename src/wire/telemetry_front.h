#pragma once
// The operations of Amazon CloudWatch Logs (awsJson 1.1) and AWS X-Ray (restJson) by which
// deployment tools set where logs and traces go, over telemetry. Anything else is refused by name;
// docs/reference/telemetry.md lists them.

#include <functional>
#include <string>

#include "base/clock.h"
#include "net/http_message.h"
#include "telemetry/settings.h"

namespace ac::wire {

struct TelemetryCall {
    std::string request_id;
    Scope scope;
    WallTime now;
    std::string service;    // that the caller signed for: "logs", "xray"
    std::string operation;  // "PutResourcePolicy"
    std::string body;
    // Whether the caller may do the action ("logs:PutResourcePolicy") on the resource.
    std::function<Result<>(std::string_view action, std::string_view resource)> may;
};

bool is_telemetry_service(std::string_view service);
// What a request to that service calls; empty: nothing.
std::string_view telemetry_operation(const net::RequestHead& head, std::string_view service);

// Always answers. `settings` outlives it.
asio::awaitable<net::Response, Executor> answer_telemetry(telemetry::Settings& settings,
                                                          TelemetryCall call);

}  // namespace ac::wire
