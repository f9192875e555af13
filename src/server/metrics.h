#pragma once
// What /metrics tells, in Prometheus's text format: requests by operation and status, and how long
// they took. Thread-safe; observing takes one short lock.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace ac::server {

class Metrics final {
  public:
    // `operation` is one of ours or AWS's names, never what a client made up.
    void observe_request(std::string_view operation, int status, std::chrono::microseconds took);

    // `read` is asked at every scrape, from any thread; it must not block.
    void add_gauge(std::string name, std::string help, std::function<double()> read);
    void add_counter(std::string name, std::string help, std::function<double()> read);

    // `write` appends whole families, with labels, in the text format; asked like `read`.
    void add_families(std::function<void(std::string& out)> write);

    std::string render() const;

  private:
    // Upper bounds in seconds; the last bucket is +Inf.
    static constexpr std::array<double, 12> kBuckets = {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05,
                                                        0.1,    0.5,    1,     5,     30,   300};
    struct Latency {
        std::array<std::uint64_t, kBuckets.size() + 1> counts{};
        double sum_seconds = 0;
    };
    struct Reading {
        std::string name;
        std::string help;
        std::string_view type;
        std::function<double()> read;
    };

    mutable std::mutex mutex_;
    std::map<std::pair<std::string, int>, std::uint64_t, std::less<>> requests_;
    std::map<std::string, Latency, std::less<>> latencies_;
    std::vector<Reading> readings_;
    std::vector<std::function<void(std::string&)>> families_;
};

}  // namespace ac::server
