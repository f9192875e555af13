# The few harmless devices are there, no other, and none can be made.
for name, (kind, major, minor) in {"memory": (0o020000, 1, 1), "disk": (0o060000, 254, 0),
                                   "null": (0o020000, 1, 3), "kvm": (0o020000, 10, 232)}.items():
    refused(f"make a device: {name}",
            lambda: os.mknod(f"/work/{name}", kind | 0o666, os.makedev(major, minor)), errno.EPERM)
for name in ("mem", "kmem", "port", "kmsg", "kvm", "fuse", "vda", "sda", "loop0", "loop-control",
             "net/tun", "snapshot", "mapper/control", "console", "vsock", "vhost-vsock"):
    absent(f"/dev/{name}", f"/dev/{name}")
allowed = {"null", "zero", "full", "random", "urandom", "tty", "pts", "shm", "ptmx", "fd", "stdin",
           "stdout", "stderr"}
holds("no other device", set(os.listdir("/dev")) <= allowed)
holds("urandom works", len(open("/dev/urandom", "rb").read(16)) == 16)
open("/dev/null", "w").write("x")
import fcntl, pty, termios
parent, child = pty.openpty()
contained("a pseudo terminal can be made")
refused("typing into a terminal", lambda: fcntl.ioctl(child, termios.TIOCSTI, b"x"), errno.EPERM)
TIOCSTI_HIGH = 0x100000000 | termios.TIOCSTI
refused("the same with upper bits set",
        lambda: syscall(16, child, TIOCSTI_HIGH,
                        ctypes.addressof(ctypes.create_string_buffer(b"x"))),
        errno.EPERM)
refused("controlling terminal", lambda: os.open("/dev/tty", os.O_RDWR), errno.ENXIO)
