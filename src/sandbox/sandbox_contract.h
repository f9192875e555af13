#pragma once
// What every Sandbox does, as tests (in sandbox_contract_test.cpp). A back end instantiates the
// suite with a SandboxUnderTest; the commands it is given are ones that it can run (a fake plays
// them).

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "async/run.h"
#include "sandbox/sandbox.h"

namespace ac::sandbox {

class SandboxUnderTest {
  public:
    virtual ~SandboxUnderTest() = default;
    virtual Sandbox& sandbox() = 0;
    // Runs until it is ended; ends on SIGTERM.
    virtual Command endless() = 0;
    // Ends by itself with this status.
    virtual Command exits_with(int status) = 0;
    // Sends back what it gets on this port.
    virtual Command echoes_on(std::uint16_t port) = 0;
    virtual Command no_such_program() = 0;
};

using MakeSandboxUnderTest = std::unique_ptr<SandboxUnderTest> (*)(Loop& loop);

class SandboxContract : public testing::TestWithParam<MakeSandboxUnderTest> {
  protected:
    SandboxContract() : under_test_(GetParam()(loop_)) {}

    Result<std::unique_ptr<Monitor>> start(Command command) {
        return run_on(loop_, under_test_->sandbox().start(Policy{}, Limits{}, std::move(command)));
    }
    Result<Outcome> wait(Monitor& monitor) { return run_on(loop_, monitor.wait()); }

    // A guest may take a moment to listen.
    UniqueFd connect(Monitor& monitor, std::uint16_t port) {
        constexpr int kAttempts = 2000;
        for (int attempt = 0; attempt < kAttempts; ++attempt) {
            auto socket = run_on(loop_, monitor.connect(port));
            if (socket) return std::move(*socket);
            EXPECT_EQ(socket.error().code, ErrorCode::unavailable);
            ::usleep(2000);
        }
        return UniqueFd();
    }

    Loop loop_;
    std::unique_ptr<SandboxUnderTest> under_test_;
};

}  // namespace ac::sandbox
