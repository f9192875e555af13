"""The files that a Python kernel has open, opened again where it goes on in another session."""
import fcntl
import os

FOLDERS = ("/work/", "/tmp/")
OWN_FROM = 500  # the kernel's channel and above


def regular(own):
    """(descriptor, path, flags, position) of what is open below the session's folders."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        if fd <= 2 or fd >= OWN_FROM or fd in own:
            continue
        try:
            path = os.readlink(f"/proc/self/fd/{fd}")
            flags = fcntl.fcntl(fd, fcntl.F_GETFL)
            position = os.lseek(fd, 0, os.SEEK_CUR) if path.startswith(FOLDERS) else 0
        except OSError:
            path, flags, position = "", os.O_RDWR, 0
        found.append((fd, path, flags, position))
    return found


def open_again(found):
    """What is no file of the session's (sockets, pipes) reads as empty."""
    for fd, path, flags, position in found:
        try:
            opened = os.open(path, flags & ~(os.O_CREAT | os.O_EXCL | os.O_TRUNC))
            os.lseek(opened, position, os.SEEK_SET)
        except (OSError, ValueError):
            opened = os.open("/dev/null", os.O_RDWR)
        if opened != fd:
            os.dup2(opened, fd, inheritable=False)
            os.close(opened)
