#pragma once
// A template: a program whose imports are done, written down once as a snapshot, from which guests
// go on instead of starting. Each such guest is an ordinary one (Sandbox::start, Monitor::execute):
// fresh namespaces, a control group, uid, /work and /tmp of its own, the same steps of containment;
// only its command is the thawed process. Pages that it does not write to are shared with its
// siblings, which is the only thing they have in common: the file is sealed, and the process that
// was written down has ended, so code that ran before can reach no guest, and no guest a sibling.
// Why so: docs/design/0003-sandbox.md.
//
//   auto made = co_await make_template(sandbox, policy, limits, command);    // once
//   Command command = (*made)->thaw(std::move(arguments_and_environment));   // each guest
//   auto monitor = co_await sandbox.start(policy, limits, std::move(command));
//
// The program of a template calls freeze() of agentcored_template.py (template_python()), which
// ends it and returns in each thawed guest, with the arguments given there. It must have one thread
// then. The guest needs to see the same files at the same paths (same Policy, but for /work, /tmp).
// Where a snapshot cannot be made (another architecture, a kernel without
// CONFIG_CHECKPOINT_RESTORE, the fake sandbox), make_template() fails with unavailable: start the
// program as ever.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "sandbox/sandbox.h"

namespace ac::sandbox {

class Template final {
  public:
    Template(UniqueFd program, UniqueFd image, std::string said = {})
        : program_(std::move(program)), image_(std::move(image)), said_(std::move(said)) {}

    // `command.argv` becomes what freeze() returns, its environment the environment of the guest,
    // its descriptors follow from kFirstDescriptor on.
    Result<Command> thaw(Command command) const;
    static constexpr int kFirstDescriptor = 5;

    // A descriptor of the sealed file, and of the program that thaws it: for who thaws inside of a
    // guest (`program FD BASE_FD [ARGUMENT...]`).
    Result<UniqueFd> image() const;
    Result<UniqueFd> program() const;
    std::uint64_t bytes() const;
    // What its program wrote to standard error; the first 4 KB.
    const std::string& said() const { return said_; }

  private:
    UniqueFd program_;
    UniqueFd image_;
    std::string said_;
};

// The program that thaws and the library that freezes, each as a file: for a program that is no
// template's and wants to be able to (agentcored_template.load()).
struct SnapshotTools {
    UniqueFd program;
    UniqueFd library;
};
Result<SnapshotTools> make_snapshot_tools();

// An empty file that a guest can be given to write a snapshot to, and its seal afterwards, from
// when on nobody can change it. invalid_argument: it is no snapshot, or somebody still writes.
Result<UniqueFd> make_snapshot_file();
Result<> seal_snapshot(int file);
// The same of a file with other contents.
Result<> seal_file(int file);

// Runs `command` in a guest until it has frozen itself. Its descriptors must be empty and become
// the snapshot's (3, 4); a wall time limit of a minute applies where there is none. unavailable,
// with what the program said (command.standard_error is read here, and must be empty too).
Task<std::shared_ptr<const Template>> make_template(Sandbox& sandbox, Policy policy, Limits limits,
                                                    Command command);

// The text of the module that a template's Python program imports.
std::string_view template_python();

}  // namespace ac::sandbox
