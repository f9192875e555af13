#include "runtime/session_machine.h"

#include <gtest/gtest.h>

namespace ac::runtime {
namespace {

using Activity = SessionMachine::Activity;

class session_machine : public testing::Test {
  protected:
    SteadyTime at(int seconds) const { return start_ + Seconds{seconds}; }
    SessionMachine ready() {
        SessionMachine machine(times_, at(0));
        EXPECT_EQ(machine.became_ready(at(1)), SessionAction::none);
        return machine;
    }

    const SteadyTime start_{std::chrono::hours{100}};
    const SessionTimes times_{
        .idle_timeout = Seconds{100}, .lifetime_max = Seconds{1000}, .busy_recheck = Seconds{10}};
};

TEST_F(session_machine, invocations_wait_for_it_while_it_is_provisioned) {
    SessionMachine machine(times_, at(0));
    EXPECT_EQ(machine.admit(), Admission::wait);
    EXPECT_EQ(machine.in_flight(), 0u);
    machine.became_ready(at(1));
    EXPECT_EQ(machine.admit(), Admission::admitted);
    EXPECT_EQ(machine.in_flight(), 1u);
}

TEST_F(session_machine, a_guest_that_ends_while_provisioned_stops_it) {
    SessionMachine machine(times_, at(0));
    EXPECT_TRUE(machine.guest_ended());
    EXPECT_EQ(machine.state(), SessionState::stopped);
    EXPECT_EQ(machine.became_ready(at(1)), SessionAction::none);
    EXPECT_EQ(machine.state(), SessionState::stopped);
    EXPECT_FALSE(machine.guest_ended());
}

TEST_F(session_machine, being_asked_to_stop_while_provisioned_drains_it) {
    SessionMachine machine(times_, at(0));
    EXPECT_EQ(machine.ask_stop(StopReason::requested), SessionAction::stop_guest);
    EXPECT_EQ(machine.state(), SessionState::draining);
    EXPECT_EQ(machine.became_ready(at(1)), SessionAction::none);
    EXPECT_EQ(machine.state(), SessionState::draining);
    EXPECT_EQ(machine.admit(), Admission::busy);
    EXPECT_TRUE(machine.guest_ended());
    EXPECT_EQ(machine.admit(), Admission::busy);
}

TEST_F(session_machine, an_idle_guest_is_asked_and_then_stopped) {
    SessionMachine machine = ready();
    EXPECT_EQ(machine.tick(at(100)), SessionAction::none);
    EXPECT_EQ(machine.tick(at(101)), SessionAction::ping);
    EXPECT_EQ(machine.tick(at(102)), SessionAction::none);  // one ping at a time
    EXPECT_EQ(machine.ping_answered(at(102), false), SessionAction::stop_guest);
    EXPECT_EQ(machine.stop_reason(), StopReason::idle);
    EXPECT_EQ(machine.tick(at(300)), SessionAction::none);
}

TEST_F(session_machine, an_invocation_resets_the_idle_time_when_it_ends) {
    SessionMachine machine = ready();
    machine.admit();
    EXPECT_EQ(machine.tick(at(500)), SessionAction::none);  // not idle while it runs
    machine.release(at(500), Activity::counts);
    EXPECT_EQ(machine.tick(at(599)), SessionAction::none);
    EXPECT_EQ(machine.tick(at(600)), SessionAction::ping);
}

TEST_F(session_machine, a_caller_who_went_away_is_no_activity) {
    SessionMachine machine = ready();
    machine.admit();
    machine.release(at(90), Activity::does_not_count);
    EXPECT_EQ(machine.tick(at(101)), SessionAction::ping);
}

TEST_F(session_machine, a_busy_guest_is_kept_and_its_idle_time_counts_from_its_last_busy_answer) {
    SessionMachine machine = ready();
    EXPECT_EQ(machine.tick(at(101)), SessionAction::ping);
    EXPECT_EQ(machine.ping_answered(at(101), true), SessionAction::none);
    EXPECT_EQ(machine.tick(at(110)), SessionAction::none);
    EXPECT_EQ(machine.tick(at(111)), SessionAction::ping);
    EXPECT_EQ(machine.ping_answered(at(111), true), SessionAction::none);
    EXPECT_EQ(machine.tick(at(121)), SessionAction::ping);
    // Healthy now: whatever the time in its answer says, idleness began at 111.
    EXPECT_EQ(machine.ping_answered(at(121), false), SessionAction::none);
    EXPECT_EQ(machine.tick(at(210)), SessionAction::none);
    EXPECT_EQ(machine.tick(at(211)), SessionAction::ping);
    EXPECT_EQ(machine.ping_answered(at(211), false), SessionAction::stop_guest);
}

TEST_F(session_machine, an_invocation_during_a_ping_saves_the_session) {
    SessionMachine machine = ready();
    EXPECT_EQ(machine.tick(at(101)), SessionAction::ping);
    EXPECT_EQ(machine.admit(), Admission::admitted);
    EXPECT_EQ(machine.ping_answered(at(102), false), SessionAction::none);
    EXPECT_EQ(machine.state(), SessionState::ready);
}

TEST_F(session_machine, its_lifetime_ends_it_even_in_the_middle_of_an_invocation) {
    SessionMachine machine = ready();
    machine.admit();
    EXPECT_EQ(machine.tick(at(999)), SessionAction::none);
    EXPECT_EQ(machine.tick(at(1000)), SessionAction::stop_guest);
    EXPECT_EQ(machine.stop_reason(), StopReason::lifetime);
    machine.release(at(1001), Activity::counts);
    EXPECT_TRUE(machine.guest_ended());
}

TEST_F(session_machine, a_session_that_never_becomes_ready_has_a_lifetime_too) {
    SessionMachine machine(times_, at(0));
    EXPECT_EQ(machine.tick(at(101)), SessionAction::none);
    EXPECT_EQ(machine.tick(at(1000)), SessionAction::stop_guest);
}

TEST_F(session_machine, the_first_reason_to_stop_stays) {
    SessionMachine machine = ready();
    EXPECT_EQ(machine.ask_stop(StopReason::removed), SessionAction::stop_guest);
    EXPECT_EQ(machine.ask_stop(StopReason::shutdown), SessionAction::none);
    EXPECT_EQ(machine.stop_reason(), StopReason::removed);
}

TEST_F(session_machine, a_late_ping_answer_changes_nothing) {
    SessionMachine machine = ready();
    EXPECT_EQ(machine.tick(at(101)), SessionAction::ping);
    machine.ask_stop(StopReason::requested);
    EXPECT_EQ(machine.ping_answered(at(102), true), SessionAction::none);
    EXPECT_EQ(machine.state(), SessionState::draining);
    machine.guest_ended();
    EXPECT_EQ(machine.ping_answered(at(103), false), SessionAction::none);
    EXPECT_EQ(machine.state(), SessionState::stopped);
}

}  // namespace
}  // namespace ac::runtime
