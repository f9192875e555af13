#pragma once
// Deadlines of one Loop: instead of a timer per read and write, which costs more than the read,
// each waiting operation notes its deadline in a list that one timer sweeps. A deadline is
// noticed at once when it is nearer than the next sweep, otherwise within kSweep of it.

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/execution_context.hpp>

#include "async/task.h"
#include "base/clock.h"

namespace ac::net {

class Deadlines final : public asio::execution_context::service {
  public:
    using key_type = Deadlines;
    static asio::execution_context::id id;
    static constexpr Milliseconds kSweep{100};

    // One thing that waits. On the loop's thread only, but for detached ones.
    class Entry {
      public:
        Entry(Executor executor, const Clock& clock);
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;

        void arm(SteadyTime deadline);
        void arm_after(Milliseconds patience) { arm(clock_.steady() + patience); }
        void disarm() { deadline_ = SteadyTime::max(); }
        // Leaves the loop's list, so that the entry may be destroyed on another thread.
        void detach();

      protected:
        ~Entry() { detach(); }
        // Called once, with the entry disarmed. Must not destroy entries.
        virtual void expired() = 0;

      private:
        friend class Deadlines;
        Deadlines& deadlines_;
        const Clock& clock_;
        SteadyTime deadline_ = SteadyTime::max();
        Entry* previous_ = nullptr;
        Entry* next_ = nullptr;
        bool linked_ = false;
    };

    explicit Deadlines(asio::execution_context& context);
    // The loop's own, made at first use.
    static Deadlines& of(Executor executor);

  private:
    using SweepTimer =
        asio::basic_waitable_timer<std::chrono::steady_clock,
                                   asio::wait_traits<std::chrono::steady_clock>, Executor>;

    void shutdown() override;
    void link(Entry& entry);
    void unlink(Entry& entry);
    void schedule(SteadyTime nearest);
    void sweep();

    const SystemClock real_clock_;
    SweepTimer timer_;
    SteadyTime next_sweep_ = SteadyTime::max();
    Entry* first_ = nullptr;
};

}  // namespace ac::net
