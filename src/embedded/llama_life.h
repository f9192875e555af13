#pragma once
// The life of the supervised model server, without any I/O: what happens is told to it, what is to
// be done comes back. llama_server does it and tells the result.
//
//   stopped --wanted--> starting --listens--> ready --idle, replaced, told--> stopping --> stopped
//                           '-- ended, or never listened --> stopped, in backoff
//
// A server that ends by itself soon after its start is not started again at once: the pause doubles
// with each such end, so that a model file that crashes the server does not burn a processor.

#include <cstddef>

#include "base/clock.h"

namespace ac::embedded {

enum class LlamaState { stopped, starting, ready, stopping };

struct LlamaTimes {
    Milliseconds idle_timeout{600'000};  // without a request; then it is stopped
    Milliseconds backoff_first{1'000};   // after the first failure
    Milliseconds backoff_max{60'000};
    Milliseconds stable_after{60'000};  // running that long forgets earlier failures
};

enum class LlamaDemand {
    ready,    // use it
    start,    // start it, then wait
    wait,     // somebody starts or stops it: wait for the next change
    refused,  // it failed a moment ago: not before retry_at()
};

class LlamaLife final {
  public:
    explicit LlamaLife(LlamaTimes times) : times_(times) {}

    LlamaDemand demand(SteadyTime now);
    void became_ready(SteadyTime now);
    // The guest is gone, or there never was one.
    void ended(SteadyTime now);
    // True: the guest is to be told to stop, once.
    bool ask_stop();
    bool tick(SteadyTime now);

    // A request uses it. Only while ready.
    void enter() { ++in_flight_; }
    void leave(SteadyTime now);

    LlamaState state() const { return state_; }
    std::size_t in_flight() const { return in_flight_; }
    SteadyTime retry_at() const { return retry_at_; }
    int failures() const { return failures_; }

  private:
    LlamaTimes times_;
    LlamaState state_ = LlamaState::stopped;
    std::size_t in_flight_ = 0;
    int failures_ = 0;  // in a row
    SteadyTime ready_since_{};
    SteadyTime last_used_{};
    SteadyTime retry_at_{};
};

}  // namespace ac::embedded
