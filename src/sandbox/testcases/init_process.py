# PID 1 is ours: it can be neither read, nor traced, nor signalled.
for name in ("mem", "environ", "maps", "cmdline", "fd/0", "root", "exe", "syscall", "stack"):
    refused(f"/proc/1/{name}", lambda: os.open(f"/proc/1/{name}", os.O_RDONLY))
PTRACE, VM_READ, VM_WRITE, PIDFD_OPEN, PIDFD_GETFD, KCMP = 101, 310, 311, 434, 438, 312
refused("ptrace attach", lambda: syscall(PTRACE, 16, 1, 0, 0), errno.EPERM)
refused("ptrace traceme", lambda: syscall(PTRACE, 0, 0, 0, 0), errno.EPERM)
refused("process_vm_readv", lambda: syscall(VM_READ, 1, 0, 0, 0, 0, 0), errno.EPERM)
refused("process_vm_writev", lambda: syscall(VM_WRITE, 1, 0, 0, 0, 0, 0), errno.EPERM)
refused("kcmp", lambda: syscall(KCMP, 1, os.getpid(), 0, 0, 0), errno.EPERM)
refused("pidfd_getfd", lambda: syscall(PIDFD_GETFD, os.pidfd_open(1), 0, 0), errno.EPERM)
for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGSEGV, signal.SIGCONT):
    try:
        os.kill(1, number)
    except OSError:
        pass
signal.signal(signal.SIGTERM, signal.SIG_IGN)
try:
    os.kill(-1, signal.SIGTERM)
except OSError:
    pass
pid = os.fork()  # only works while PID 1 lives
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
contained("PID 1 survives signals")
