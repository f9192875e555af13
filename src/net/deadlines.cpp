#include "net/deadlines.h"

#include <algorithm>

namespace ac::net {

asio::execution_context::id Deadlines::id;

Deadlines::Entry::Entry(Executor executor, const Clock& clock)
    : deadlines_(Deadlines::of(executor)), clock_(clock) {}

void Deadlines::Entry::arm(SteadyTime deadline) {
    deadline_ = deadline;
    if (!linked_) deadlines_.link(*this);
    if (deadline < deadlines_.next_sweep_) deadlines_.schedule(deadline);
}

void Deadlines::Entry::detach() {
    if (linked_) deadlines_.unlink(*this);
    disarm();
}

Deadlines::Deadlines(asio::execution_context& context)
    : service(context), timer_(static_cast<asio::io_context&>(context).get_executor()) {}

Deadlines& Deadlines::of(Executor executor) {
    return asio::use_service<Deadlines>(static_cast<asio::execution_context&>(executor.context()));
}

void Deadlines::shutdown() {
    timer_.cancel();
}

void Deadlines::link(Entry& entry) {
    entry.linked_ = true;
    entry.previous_ = nullptr;
    entry.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &entry;
    first_ = &entry;
}

void Deadlines::unlink(Entry& entry) {
    (entry.previous_ != nullptr ? entry.previous_->next_ : first_) = entry.next_;
    if (entry.next_ != nullptr) entry.next_->previous_ = entry.previous_;
    entry.linked_ = false;
}

// Deadlines are on their entries' clocks, the sweeps on the real one: a manual clock's deadline is
// looked at every kSweep.
void Deadlines::schedule(SteadyTime nearest) {
    const auto now = real_clock_.steady();
    const auto soonest = now + Milliseconds{1};
    const auto at = std::clamp(nearest, soonest, now + kSweep);
    if (at >= next_sweep_) return;
    next_sweep_ = at;
    timer_.expires_at(at);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) sweep();
    });
}

void Deadlines::sweep() {
    SteadyTime nearest = SteadyTime::max();
    for (Entry* entry = first_; entry != nullptr;) {
        Entry* const following = entry->next_;
        if (entry->deadline_ != SteadyTime::max()) {
            if (entry->deadline_ <= entry->clock_.steady()) {
                entry->disarm();
                entry->expired();
            } else {
                nearest = std::min(nearest, entry->deadline_);
            }
        }
        entry = following;
    }
    next_sweep_ = SteadyTime::max();
    if (nearest != SteadyTime::max()) schedule(nearest);
}

}  // namespace ac::net
