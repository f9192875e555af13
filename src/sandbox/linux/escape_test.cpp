#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "sandbox/linux/box_fixture.h"

namespace ac::sandbox {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> testcases() {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(AC_SANDBOX_TESTCASES))
        if (entry.path().extension() == ".py" && entry.path().stem() != "prelude")
            out.push_back(entry.path().stem());
    std::ranges::sort(out);
    return out;
}

std::string script_of(const std::string& name) {
    const fs::path folder(AC_SANDBOX_TESTCASES);
    return *read_file(folder / "prelude.py", 1 << 20) +
           *read_file(folder / (name + ".py"), 1 << 20);
}

// What a guest must not reach: a secret file, a data folder, a TCP and an abstract listener.
class HostThings {
  public:
    HostThings()
        : data_(fs::temp_directory_path() / fmt::format("ac-escape-{}", ::getpid())),
          tcp_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
          abstract_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        fs::create_directories(data_);
        std::ofstream(data_ / "secret") << "secret";
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* const raw = reinterpret_cast<sockaddr*>(&address);
        ::bind(tcp_.get(), raw, size);
        ::listen(tcp_.get(), 1);
        ::getsockname(tcp_.get(), raw, &size);
        port_ = ntohs(address.sin_port);
        name_ = fmt::format("ac-escape-{}", ::getpid());
        sockaddr_un local{};
        local.sun_family = AF_UNIX;
        std::copy(name_.begin(), name_.end(), local.sun_path + 1);
        ::bind(abstract_.get(), reinterpret_cast<const sockaddr*>(&local),
               static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size()));
        ::listen(abstract_.get(), 1);
    }
    ~HostThings() { fs::remove_all(data_); }

    void describe(Command& command) const {
        command.environment.push_back("HOST_SECRET=" + (data_ / "secret").string());
        command.environment.push_back("HOST_DATA=" + data_.string());
        command.environment.push_back(fmt::format("HOST_PORT={}", port_));
        command.environment.push_back("HOST_ABSTRACT=" + name_);
        command.environment.push_back(fmt::format("HOST_PID={}", ::getpid()));
    }

  private:
    fs::path data_;
    UniqueFd tcp_;
    UniqueFd abstract_;
    std::uint16_t port_ = 0;
    std::string name_;
};

// However a guest began.
enum class Beginning { started, thawed };

class Escape : public testing::TestWithParam<std::tuple<std::string, Beginning>> {};

TEST_P(Escape, is_contained) {
    const HostThings host;
    Box box(Box::options_for_test());
    const auto& [name, beginning] = GetParam();
    const std::string script = script_of(name);
    Command command = python_command(script);
    std::shared_ptr<const Template> made;
    if (beginning == Beginning::thawed) {
        auto of = box.make_template("import ctypes, errno, os, signal, socket, struct");
        ASSERT_TRUE(of) << of.error().message;
        made = *of;
        auto thawed = made->thaw(thawed_python(script));
        ASSERT_TRUE(thawed);
        command = std::move(*thawed);
    }
    host.describe(command);
    const Ran ran = box.run(std::move(command));
    EXPECT_EQ(ran.outcome.reason, Reason::exited) << ran.outcome.detail;
    EXPECT_EQ(ran.outcome.code, 0) << ran.output;
    EXPECT_EQ(ran.output.find("ESCAPED"), std::string::npos) << ran.output;
    EXPECT_NE(ran.output.find("contained:"), std::string::npos) << ran.output;
    EXPECT_TRUE(process_exists(box.launcher_pid()));
}

INSTANTIATE_TEST_SUITE_P(sandbox, Escape,
                         testing::Combine(testing::ValuesIn(testcases()),
                                          testing::Values(Beginning::started, Beginning::thawed)),
                         [](const auto& param) {
                             const bool thawed = std::get<1>(param.param) == Beginning::thawed;
                             return std::get<0>(param.param) + (thawed ? "_thawed" : "_started");
                         });

}  // namespace
}  // namespace ac::sandbox
