#include "models/metered_stream.h"

#include "models/retry.h"

namespace ac::models {
namespace {

Milliseconds between(SteadyTime from, SteadyTime to) {
    return std::chrono::duration_cast<Milliseconds>(to - from);
}

std::int64_t bytes_of(const BlockDelta& delta) {
    if (const auto* text = std::get_if<TextDelta>(&delta.delta))
        return static_cast<std::int64_t>(text->text.size());
    if (const auto* input = std::get_if<ToolInputDelta>(&delta.delta))
        return static_cast<std::int64_t>(input->json.size());
    return static_cast<std::int64_t>(std::get<ReasoningDelta>(delta.delta).text.size());
}

}  // namespace

CallMeter::CallMeter(const Clock& clock, UsageBook& book, const PriceTable& prices, Caller caller,
                     std::string model)
    : clock_(clock),
      book_(book),
      prices_(prices),
      caller_(std::move(caller)),
      model_(std::move(model)),
      started_(clock.steady()) {}

Milliseconds CallMeter::elapsed() const {
    return between(started_, clock_.steady());
}

void CallMeter::ended(const Target& target, const Usage& usage) {
    record(target, usage, false);
}

void CallMeter::failed(const Target& target, const Usage& usage) {
    record(target, usage, true);
}

void CallMeter::record(const Target& target, const Usage& usage, bool failed) {
    if (std::exchange(recorded_, true)) return;
    book_.record({.caller = caller_,
                  .model = model_,
                  .provider = target.provider,
                  .usage = usage,
                  .latency = elapsed(),
                  .first_event = first_event_ == SteadyTime{} ? Milliseconds{0}
                                                              : between(started_, first_event_),
                  .nano_dollars = prices_.nano_dollars(model_, target, usage),
                  .failed = failed});
}

// The caller stopped reading before the end.
MeteredStream::~MeteredStream() {
    if (!parts_.meter || parts_.meter->is_recorded()) return;
    parts_.gate.report_nothing();
    parts_.meter->ended(parts_.target, counted(usage_));
}

Usage MeteredStream::counted(const Usage& told) const {
    if (told != Usage{}) return told;
    constexpr std::int64_t kBytesPerToken = 4;
    return {.input_tokens = estimate_tokens(parts_.request),
            .output_tokens = (answer_bytes_ + kBytesPerToken - 1) / kBytesPerToken};
}

Task<std::optional<ChatEvent>> MeteredStream::next() {
    auto event = co_await parts_.inner->next();
    if (!event)
        note_failure(event.error());
    else if (*event)
        look_at(**event);
    co_return event;
}

void MeteredStream::note_failure(const Error& error) {
    if (parts_.meter->is_recorded()) return;
    if (error.code == ErrorCode::cancelled)
        parts_.gate.report_nothing();
    else
        parts_.gate.report_failure();
    parts_.meter->failed(parts_.target, counted(usage_));
}

void MeteredStream::look_at(ChatEvent& event) {
    if (const auto* delta = std::get_if<BlockDelta>(&event)) answer_bytes_ += bytes_of(*delta);
    auto* metadata = std::get_if<Metadata>(&event);
    if (!metadata) return;
    metadata->usage = counted(metadata->usage);
    metadata->latency = parts_.meter->elapsed();
    usage_ = metadata->usage;
    parts_.gate.report_success();
    parts_.meter->ended(parts_.target, usage_);
}

}  // namespace ac::models
