#pragma once
// For tests: a launcher of its own, guests that run shell or Python text, their output, and a look
// at the host afterwards.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/run.h"
#include "sandbox/launcher.h"
#include "sandbox/template.h"

namespace ac::sandbox {

struct Ran {
    Outcome outcome;
    std::string output;  // of stdout and stderr
};

class Box {
  public:
    explicit Box(LauncherOptions options);

    static LauncherOptions options_for_test();
    Loop& loop() { return loop_; }
    Sandbox& sandbox() { return *sandbox_; }
    int launcher_pid() const { return launcher_pid_; }
    // Runs to its end; failed_to_start carries the error's text.
    Ran run(Command command, Policy policy = {}, Limits limits = {});
    Ran shell(const std::string& script, Policy policy = {}, Limits limits = {});
    Ran python(const std::string& script, Policy policy = {}, Limits limits = {});
    Result<std::unique_ptr<Monitor>> start(Command command, Policy policy = {}, Limits limits = {});
    // Of a Python program that runs `preparation` and freezes; thawed_python() goes on in it.
    Result<std::shared_ptr<const Template>> make_template(const std::string& preparation,
                                                          Limits limits = {});
    Result<Outcome> wait(Monitor& monitor) { return run_on(loop_, monitor.wait()); }
    void close() { sandbox_.reset(); }

  private:
    Loop loop_;
    int launcher_pid_ = -1;
    std::unique_ptr<Sandbox> sandbox_;
};

Command shell_command(const std::string& script);
Command python_command(const std::string& script);
// For Template::thaw of a template made by a Box: runs `script` among the names of its preparation.
Command thawed_python(const std::string& script);

// Control groups of this instance that exist now, over every hierarchy.
std::vector<std::string> groups_of(const std::string& instance);
bool process_exists(int pid);
// Until `condition` or ten seconds are over.
bool eventually(const std::function<bool()>& condition);

}  // namespace ac::sandbox
