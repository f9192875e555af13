#include "search/aside.h"

namespace ac::search {

Aside::Aside(const Post& post, std::function<void()> work) : state_(std::make_shared<State>()) {
    state_->work = std::move(work);
    if (post) post([state = state_] { (void)run(*state); });
}

// The work refers to what its maker is about to destroy.
Aside::~Aside() {
    std::unique_lock lock(state_->mutex);
    if (state_->stage == Stage::waiting) state_->stage = Stage::done;
    state_->ended.wait(lock, [&] { return state_->stage == Stage::done; });
}

bool Aside::run(State& state) {
    {
        const std::lock_guard lock(state.mutex);
        if (state.stage != Stage::waiting) return false;
        state.stage = Stage::running;
    }
    std::exception_ptr thrown;
    try {
        state.work();
    } catch (...) {
        thrown = std::current_exception();
    }
    const std::lock_guard lock(state.mutex);
    state.thrown = thrown;
    state.stage = Stage::done;
    state.ended.notify_all();
    return true;
}

void Aside::finish() {
    if (!run(*state_)) {
        std::unique_lock lock(state_->mutex);
        state_->ended.wait(lock, [&] { return state_->stage == Stage::done; });
    }
    if (state_->thrown) std::rethrow_exception(state_->thrown);
}

}  // namespace ac::search
