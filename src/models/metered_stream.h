#pragma once
// A provider's stream on its way to the caller: holds the provider's pass, tells the breaker how it
// went, meters the call when it ends, however it ends.

#include <memory>

#include "models/gate.h"
#include "models/routing.h"
#include "models/usage.h"

namespace ac::models {

// One call, from its arrival to its record. Recorded once.
class CallMeter final {
  public:
    // All outlive the meter.
    CallMeter(const Clock& clock, UsageBook& book, const PriceTable& prices, Caller caller,
              std::string model);

    void began() { first_event_ = clock_.steady(); }
    Milliseconds elapsed() const;
    void ended(const Target& target, const Usage& usage);
    void failed(const Target& target, const Usage& usage);
    bool is_recorded() const { return recorded_; }

  private:
    void record(const Target& target, const Usage& usage, bool failed);

    const Clock& clock_;
    UsageBook& book_;
    const PriceTable& prices_;
    const Caller caller_;
    const std::string model_;
    const SteadyTime started_;
    SteadyTime first_event_{};
    bool recorded_ = false;
};

class MeteredStream final : public ChatStream {
  public:
    // `gate` outlives the stream.
    struct Parts {
        ProviderGate& gate;
        ProviderGate::Pass pass;
        std::unique_ptr<ChatStream> inner;
        std::unique_ptr<CallMeter> meter;
        Target target;
        ChatRequest request;  // for an estimate when the provider does not count
    };
    explicit MeteredStream(Parts parts) : parts_(std::move(parts)) {
        parts_.meter->began();
        parts_.gate.report_begin();
    }
    ~MeteredStream() override;

    Task<std::optional<ChatEvent>> next() override;
    bool is_ready() const override { return parts_.inner->is_ready(); }

  private:
    void look_at(ChatEvent& event);
    // What the provider counted, or an estimate of what went to and fro.
    Usage counted(const Usage& told) const;
    void note_failure(const Error& error);

    Parts parts_;
    std::int64_t answer_bytes_ = 0;
    Usage usage_;
};

}  // namespace ac::models
