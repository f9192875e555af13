#pragma once
// The system calls a guest may make (seccomp(2)). Two filters, both must agree: the first lists by
// name what is allowed, so that a call nobody thought of is refused; the second looks at arguments
// (namespaces through clone, kinds of sockets, terminal injection). Refused calls answer EPERM, or
// ENOSYS where that makes a C library take its older path. Other architectures' calls (i386, x32)
// end the process.

#include <linux/filter.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace ac::sandbox {

class SyscallFilter final {
  public:
    // Compiles both; about a millisecond, once.
    static Result<SyscallFilter> compile();
    // For this process and its children, for good. Needs no_new_privs. No allocation.
    Result<> install() const;

  private:
    std::vector<sock_filter> names_;
    std::vector<sock_filter> arguments_;
};

// By name; names unknown to the architecture or to libseccomp are skipped.
const std::vector<std::string>& allowed_syscalls();

}  // namespace ac::sandbox
