#include "async/loop.h"

namespace ac {

Loop::Loop() : context_(1), work_(asio::make_work_guard(context_)) {}

Loop::~Loop() {
    stop();
    if (thread_.joinable()) thread_.join();
}

void Loop::run() {
    context_.run();
}

void Loop::start_thread() {
    thread_ = std::thread([this] { run(); });
}

void Loop::stop() {
    context_.stop();
}

Loops::Loops(std::size_t count) {
    for (std::size_t i = 0; i < (count == 0 ? 1 : count); ++i)
        loops_.push_back(std::make_unique<Loop>());
}

void Loops::run() {
    for (std::size_t i = 1; i < loops_.size(); ++i) loops_[i]->start_thread();
    main().run();
}

void Loops::stop() {
    for (auto& loop : loops_) loop->stop();
}

}  // namespace ac
