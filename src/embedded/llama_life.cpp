#include "embedded/llama_life.h"

#include <algorithm>

namespace ac::embedded {

LlamaDemand LlamaLife::demand(SteadyTime now) {
    switch (state_) {
        case LlamaState::ready:
            return LlamaDemand::ready;
        case LlamaState::starting:
        case LlamaState::stopping:
            return LlamaDemand::wait;
        case LlamaState::stopped:
            break;
    }
    if (failures_ > 0 && now < retry_at_) return LlamaDemand::refused;
    state_ = LlamaState::starting;
    return LlamaDemand::start;
}

void LlamaLife::became_ready(SteadyTime now) {
    if (state_ != LlamaState::starting) return;
    state_ = LlamaState::ready;
    ready_since_ = now;
    last_used_ = now;
}

void LlamaLife::ended(SteadyTime now) {
    const bool told = state_ == LlamaState::stopping;
    const bool was_stable =
        state_ == LlamaState::ready && now - ready_since_ >= times_.stable_after;
    state_ = LlamaState::stopped;
    if (told || was_stable) failures_ = 0;
    if (told) return;
    constexpr int kDoublingsMax = 16;
    const auto pause = times_.backoff_first * (1 << std::min(failures_, kDoublingsMax));
    retry_at_ = now + std::min<Milliseconds>(pause, times_.backoff_max);
    ++failures_;
}

bool LlamaLife::ask_stop() {
    if (state_ != LlamaState::starting && state_ != LlamaState::ready) return false;
    state_ = LlamaState::stopping;
    return true;
}

bool LlamaLife::tick(SteadyTime now) {
    const bool is_idle =
        state_ == LlamaState::ready && in_flight_ == 0 && now - last_used_ >= times_.idle_timeout;
    return is_idle && ask_stop();
}

void LlamaLife::leave(SteadyTime now) {
    --in_flight_;
    last_used_ = now;
}

}  // namespace ac::embedded
