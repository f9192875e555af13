#include <gtest/gtest.h>

#include "sandbox/linux/box_fixture.h"
#include "sandbox/sandbox_contract.h"

namespace ac::sandbox {
namespace {

class LinuxUnderTest final : public SandboxUnderTest {
  public:
    explicit LinuxUnderTest(Loop& loop) {
        auto launcher = start_launcher(Box::options_for_test());
        sandbox_ = *make_linux_sandbox(std::move(*launcher), loop);
    }
    Sandbox& sandbox() override { return *sandbox_; }
    Command endless() override { return shell_command("exec sleep 1000"); }
    Command exits_with(int status) override {
        return shell_command("exit " + std::to_string(status));
    }
    Command echoes_on(std::uint16_t port) override {
        return python_command(
            "import socket\n"
            "s = socket.create_server(('127.0.0.1', " +
            std::to_string(port) +
            "))\n"
            "while True:\n"
            "    c, _ = s.accept()\n"
            "    while d := c.recv(65536): c.sendall(d)\n");
    }
    Command no_such_program() override {
        Command command;
        command.argv = {"no-such-program"};
        return command;
    }

  private:
    std::unique_ptr<Sandbox> sandbox_;
};

std::unique_ptr<SandboxUnderTest> make_linux_under_test(Loop& loop) {
    return std::make_unique<LinuxUnderTest>(loop);
}

INSTANTIATE_TEST_SUITE_P(linux, SandboxContract, testing::Values(&make_linux_under_test));

}  // namespace
}  // namespace ac::sandbox
