# Calls that reach deep into the kernel are refused.
import platform
if platform.machine() == "x86_64":
    EPERM_CALLS = {
        "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321, "perf_event_open": 298,
        "userfaultfd": 323, "mount": 165, "umount2": 166, "unshare": 272, "setns": 308,
        "init_module": 175, "finit_module": 313, "delete_module": 176, "kexec_load": 246,
        "reboot": 169, "swapon": 167, "settimeofday": 164, "clock_settime": 227, "iopl": 172,
        "ioperm": 173, "modify_ldt": 154, "acct": 163, "quotactl": 179, "fanotify_init": 300,
        "move_mount": 429, "open_tree": 428, "fsopen": 430, "fspick": 433, "mount_setattr": 442,
        "syslog": 103, "lookup_dcookie": 212, "vhangup": 153, "uselib": 134, "sysfs": 139,
    }
    for name, number in EPERM_CALLS.items():
        refused(name, lambda: syscall(number, 0, 0, 0, 0, 0), errno.EPERM)
    for name, number in {"io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
                         "clone3": 435, "memfd_secret": 447, "a call of the future": 900}.items():
        refused(name, lambda: syscall(number, 0, 0, 0, 0, 0), errno.ENOSYS)
    CLONE = 56
    for name, flag in {"user": 0x10000000, "mount": 0x20000, "pid": 0x20000000, "net": 0x40000000,
                       "ipc": 0x8000000, "uts": 0x4000000, "cgroup": 0x2000000}.items():
        refused(f"clone into a new {name} namespace", lambda: syscall(CLONE, flag | 17, 0, 0, 0, 0),
                errno.EPERM)
    refused("personality without randomisation", lambda: syscall(135, 0x40000), errno.ENOSYS)
    # Other doors into the same kernel: the x32 and the i386 call tables.
    killed = status_of(lambda: syscall(0x40000000 + 39))
    holds("x32 calls end the process",
          os.WIFSIGNALED(killed) and os.WTERMSIG(killed) == signal.SIGSYS)

    def call_i386():
        import mmap
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # getpid through int 0x80
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        ctypes.CFUNCTYPE(ctypes.c_int)(address)()

    killed = status_of(call_i386)
    holds("i386 calls do not work", os.WIFSIGNALED(killed))
contained("done")
