import ctypes, errno, os, signal, socket, struct, sys

LIBC = ctypes.CDLL(None, use_errno=True)
FAILED = False


def contained(what):
    print("contained:", what, flush=True)


def escaped(what):
    global FAILED
    FAILED = True
    print("ESCAPED:", what, flush=True)


def refused(what, attempt, *errors):
    """attempt() must raise OSError, with one of `errors` where any are named."""
    try:
        result = attempt()
    except OSError as e:
        if errors and e.errno not in errors:
            return escaped(f"{what}: unexpected {errno.errorcode.get(e.errno, e.errno)}")
        return contained(f"{what}: {errno.errorcode.get(e.errno, e.errno)}")
    escaped(f"{what}: got {result!r}")


def absent(what, path):
    refused(what, lambda: os.stat(path), errno.ENOENT, errno.EACCES, errno.ENOTDIR)


def syscall(number, *arguments):
    result = LIBC.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), "syscall")
    return result


def status_of(action):
    """Runs action in a child; its wait status."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        except BaseException:
            os._exit(77)
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def holds(what, condition):
    contained(what) if condition else escaped(what)


import atexit

atexit.register(lambda: os._exit(1) if FAILED else None)
