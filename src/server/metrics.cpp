#include "server/metrics.h"

#include <fmt/format.h>

namespace ac::server {

void Metrics::observe_request(std::string_view operation, int status,
                              std::chrono::microseconds took) {
    const double seconds = std::chrono::duration<double>(took).count();
    std::size_t bucket = 0;
    while (bucket < kBuckets.size() && seconds > kBuckets[bucket]) ++bucket;
    const std::lock_guard lock(mutex_);
    ++requests_[{std::string(operation), status}];
    auto found = latencies_.find(operation);
    if (found == latencies_.end())
        found = latencies_.emplace(std::string(operation), Latency{}).first;
    ++found->second.counts[bucket];
    found->second.sum_seconds += seconds;
}

void Metrics::add_gauge(std::string name, std::string help, std::function<double()> read) {
    const std::lock_guard lock(mutex_);
    readings_.push_back({std::move(name), std::move(help), "gauge", std::move(read)});
}

void Metrics::add_counter(std::string name, std::string help, std::function<double()> read) {
    const std::lock_guard lock(mutex_);
    readings_.push_back({std::move(name), std::move(help), "counter", std::move(read)});
}

void Metrics::add_families(std::function<void(std::string& out)> write) {
    const std::lock_guard lock(mutex_);
    families_.push_back(std::move(write));
}

std::string Metrics::render() const {
    const std::lock_guard lock(mutex_);
    std::string out;
    auto to = std::back_inserter(out);
    fmt::format_to(to,
                   "# HELP agentcored_requests_total Requests answered.\n"
                   "# TYPE agentcored_requests_total counter\n");
    for (const auto& [key, count] : requests_)
        fmt::format_to(to, "agentcored_requests_total{{operation=\"{}\",status=\"{}\"}} {}\n",
                       key.first, key.second, count);
    fmt::format_to(to,
                   "# HELP agentcored_request_seconds From first byte read to last written.\n"
                   "# TYPE agentcored_request_seconds histogram\n");
    for (const auto& [operation, latency] : latencies_) {
        std::uint64_t total = 0;
        for (std::size_t i = 0; i < kBuckets.size(); ++i) {
            total += latency.counts[i];
            fmt::format_to(to,
                           "agentcored_request_seconds_bucket{{operation=\"{}\",le=\"{}\"}} {}\n",
                           operation, kBuckets[i], total);
        }
        total += latency.counts.back();
        fmt::format_to(to,
                       "agentcored_request_seconds_bucket{{operation=\"{0}\",le=\"+Inf\"}} {1}\n"
                       "agentcored_request_seconds_sum{{operation=\"{0}\"}} {2}\n"
                       "agentcored_request_seconds_count{{operation=\"{0}\"}} {1}\n",
                       operation, total, latency.sum_seconds);
    }
    for (const Reading& reading : readings_)
        fmt::format_to(to, "# HELP {0} {1}\n# TYPE {0} {2}\n{0} {3}\n", reading.name, reading.help,
                       reading.type, reading.read());
    for (const auto& write : families_) write(out);
    return out;
}

}  // namespace ac::server
