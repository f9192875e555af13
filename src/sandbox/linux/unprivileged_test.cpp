// The same containment without root: user namespace first, no control groups unless delegated.
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "sandbox/linux/box_fixture.h"

namespace ac::sandbox {
namespace {

constexpr unsigned kNobody = 65534;

void become_nobody() {
    if (::geteuid() != 0) return;
    if (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 ||
        ::setresuid(kNobody, kNobody, kNobody) != 0)
        ::_exit(2);
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // as a program that was exec'ed by nobody is
}

// In a child, as nobody. The child's status is 0 when `body` returned an empty text.
std::string as_nobody(const std::function<std::string()>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return "pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        become_nobody();
        const std::string wrong = body();
        (void)!::write(ends[1], wrong.data(), wrong.size());
        ::_exit(0);
    }
    ::close(ends[1]);
    const UniqueFd output(ends[0]);
    std::string wrong;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(output.get(), buffer, sizeof buffer)) > 0;)
        wrong.append(buffer, static_cast<std::size_t>(n));
    int status = 0;
    ::waitpid(child, &status, 0);
    return status == 0 ? wrong : wrong + " (status " + std::to_string(status) + ")";
}

LauncherOptions without_groups() {
    LauncherOptions options = Box::options_for_test();
    options.accept_missing = {"cgroup-memory", "cgroup-pids", "cgroup-cpu"};
    return options;
}

std::string expect_clean(const Ran& ran) {
    if (ran.outcome.reason == Reason::exited && ran.outcome.code == 0 &&
        ran.output.find("ESCAPED") == std::string::npos)
        return {};
    return ran.outcome.detail + "\n" + ran.output;
}

TEST(unprivileged, missing_control_groups_are_refused_by_name) {
    EXPECT_EQ(as_nobody([]() -> std::string {
                  Box box(Box::options_for_test());
                  const auto guest = box.start(shell_command("true"));
                  if (guest) return "it started";
                  const std::string& message = guest.error().message;
                  return message.find("cgroup-memory") != std::string::npos ? "" : message;
              }),
              "");
}

TEST(unprivileged, a_guest_is_contained) {
    std::vector<std::pair<std::string, std::string>> scripts;
    const std::filesystem::path folder(AC_SANDBOX_TESTCASES);
    for (const char* name : {"devices", "privileges", "syscalls", "init_process", "read_only",
                             "inheritance", "proc_and_sys"})
        scripts.emplace_back(name, *read_file(folder / "prelude.py", 1 << 20) +
                                       *read_file(folder / (name + std::string(".py")), 1 << 20));
    EXPECT_EQ(as_nobody([&]() -> std::string {
                  Box box(without_groups());
                  std::string wrong;
                  for (const auto& [name, script] : scripts)
                      if (const auto bad = expect_clean(box.python(script)); !bad.empty())
                          wrong += name + ": " + bad;
                  return wrong;
              }),
              "");
}

TEST(unprivileged, a_guest_goes_on_from_a_template) {
    EXPECT_EQ(as_nobody([]() -> std::string {
                  Box box(without_groups());
                  const auto made = box.make_template("import json");
                  if (!made) return made.error().message;
                  auto command = (*made)->thaw(thawed_python("print(json.dumps([1]))"));
                  if (!command) return command.error().message;
                  const Ran ran = box.run(std::move(*command));
                  return ran.output == "[1]\n" ? "" : ran.outcome.detail + ran.output;
              }),
              "");
}

TEST(unprivileged, its_network_can_be_reached) {
    EXPECT_EQ(as_nobody([]() -> std::string {
                  Box box(without_groups());
                  const auto guest =
                      box.start(python_command("import socket\n"
                                               "s = socket.create_server(('127.0.0.1', 80))\n"
                                               "while True: s.accept()\n"));
                  if (!guest) return guest.error().message;
                  std::string last;
                  const bool reached = eventually([&] {
                      const auto socket = run_on(box.loop(), (*guest)->connect(80));
                      if (!socket) last = socket.error().message;
                      return socket.has_value();
                  });
                  return reached ? "" : last;
              }),
              "");
}

TEST(unprivileged, a_fork_bomb_stops_without_control_groups) {
    EXPECT_EQ(as_nobody([]() -> std::string {
                  Box box(without_groups());
                  Limits limits;
                  limits.processes_max = 20;
                  return box
                      .python(
                          "import os, time\n"
                          "try:\n"
                          "    for n in range(1000):\n"
                          "        if os.fork() == 0: time.sleep(1000)\n"
                          "    print('no end', n)\n"
                          "except BlockingIOError: pass\n",
                          {}, limits)
                      .output;
              }),
              "");
}

}  // namespace
}  // namespace ac::sandbox
