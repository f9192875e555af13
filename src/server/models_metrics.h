#pragma once
// Models in Prometheus's text format. Pure.

#include <string>
#include <utility>
#include <vector>

#include "models/usage.h"

namespace ac::server {

void append_usage_metrics(std::string& out, const models::UsageRows& totals);
void append_provider_metrics(std::string& out, const std::vector<models::ProviderState>& providers);

}  // namespace ac::server
