#include "server/models_metrics.h"

#include <fmt/format.h>

#include <functional>

namespace ac::server {
namespace {

// Model ids are whatever callers wrote.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') out += '\\';
        out += c == '\n' ? ' ' : c;
    }
    return out;
}

struct Family {
    std::string_view name;
    std::string_view help;
    std::string_view label;  // one more, written out; empty: none
    std::function<double(const models::UsageSum&)> read;
    bool is_first = true;  // of its name
};

double seconds(std::int64_t ms) {
    return static_cast<double>(ms) / 1000;
}

const std::vector<Family>& families() {
    using models::UsageSum;
    static const std::vector<Family> kFamilies = {
        {"agentcored_model_requests_total", "Calls of models.", "",
         [](const UsageSum& s) { return static_cast<double>(s.requests); }},
        {"agentcored_model_errors_total", "Calls of models that failed.", "",
         [](const UsageSum& s) { return static_cast<double>(s.errors); }},
        {"agentcored_model_tokens_total", "Tokens read and written.", ",direction=\"in\"",
         [](const UsageSum& s) {
             return static_cast<double>(s.usage.total_tokens() - s.usage.output_tokens);
         }},
        {"agentcored_model_tokens_total", "", ",direction=\"out\"",
         [](const UsageSum& s) { return static_cast<double>(s.usage.output_tokens); }, false},
        {"agentcored_model_seconds_total", "From the call to the end of the answer.", "",
         [](const UsageSum& s) { return seconds(s.latency_ms); }},
        {"agentcored_model_first_event_seconds_total", "From the call to the first event.", "",
         [](const UsageSum& s) { return seconds(s.first_event_ms); }},
        {"agentcored_model_cost_dollars_total", "Estimated from models.prices.", "",
         [](const UsageSum& s) { return static_cast<double>(s.nano_dollars) / 1e9; }}};
    return kFamilies;
}

}  // namespace

void append_usage_metrics(std::string& out, const models::UsageRows& totals) {
    auto to = std::back_inserter(out);
    for (const Family& family : families()) {
        if (family.is_first)
            fmt::format_to(to, "# HELP {0} {1}\n# TYPE {0} counter\n", family.name, family.help);
        for (const auto& [key, sum] : totals)
            fmt::format_to(to, "{}{{model=\"{}\",provider=\"{}\"{}}} {}\n", family.name,
                           escaped(key.model), escaped(key.provider), family.label,
                           family.read(sum));
    }
}

void append_provider_metrics(std::string& out,
                             const std::vector<models::ProviderState>& providers) {
    using models::ProviderState;
    auto to = std::back_inserter(out);
    const auto gauge = [&](std::string_view name, std::string_view help, auto read) {
        fmt::format_to(to, "# HELP {0} {1}\n# TYPE {0} gauge\n", name, help);
        for (const ProviderState& provider : providers)
            fmt::format_to(to, "{}{{provider=\"{}\"}} {}\n", name, escaped(provider.name),
                           read(provider));
    };
    gauge("agentcored_model_calls", "Calls under way.",
          [](const ProviderState& p) { return p.calls; });
    gauge("agentcored_model_waiting", "Calls that wait for their turn.",
          [](const ProviderState& p) { return p.waiting; });
    gauge("agentcored_model_left_alone", "1 while a provider is left alone after failures.",
          [](const ProviderState& p) { return p.is_left_alone ? 1 : 0; });
}

}  // namespace ac::server
