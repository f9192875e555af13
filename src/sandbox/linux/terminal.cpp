#include "sandbox/linux/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace ac::sandbox {

Result<OpenedTerminal> open_terminal(TerminalSize size) {
    OpenedTerminal opened;
    opened.owner.reset(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!opened.owner) return fail(errno_error("sandbox, open a terminal", errno));
    const int unlocked = 0;
    if (::ioctl(opened.owner.get(), TIOCSPTLCK, &unlocked) != 0)
        return fail(errno_error("sandbox, unlock a terminal", errno));
    opened.guest.reset(::ioctl(opened.owner.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!opened.guest) return fail(errno_error("sandbox, open a terminal", errno));
    const winsize window{
        .ws_row = size.rows, .ws_col = size.columns, .ws_xpixel = 0, .ws_ypixel = 0};
    if (::ioctl(opened.guest.get(), TIOCSWINSZ, &window) != 0)
        return fail(errno_error("sandbox, size a terminal", errno));
    return opened;
}

bool is_terminal_owner(int fd) {
    unsigned number = 0;
    return fd >= 0 && ::ioctl(fd, TIOCGPTN, &number) == 0;
}

}  // namespace ac::sandbox
