# Only the private folders can be written to, and no mount gives set-id bits or devices.
WRITABLE = {"/work", "/tmp", "/dev/shm", "/dev/pts", "/proc"}
DEVICES = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"}
masked = 0
for line in open("/proc/self/mountinfo"):
    fields = line.split()
    point, options = fields[4], fields[5].split(",")
    if "nosuid" not in options:
        escaped(f"{point} is mounted without nosuid")
    is_device = point in DEVICES or point.startswith("/proc/")
    if "nodev" not in options and not is_device and point != "/dev/pts":
        escaped(f"{point} is mounted without nodev")
    if "ro" not in options and point not in WRITABLE and not is_device:
        escaped(f"{point} is writable")
    masked += point.startswith("/proc/")
holds("mounts are restricted", not FAILED)
holds("/proc is masked", masked >= 6)
for folder in ("/", "/usr", "/usr/bin", "/usr/lib", "/etc", "/bin", "/lib", "/dev", "/run", "/var",
               "/proc/sys/kernel", "/etc/ssl/certs", "/usr/local/lib", "/sys"):
    refused(f"write in {folder}", lambda: open(folder + "/planted", "w"))
refused("replace a program", lambda: open("/usr/bin/env", "r+b"))
refused("remove a program", lambda: os.unlink("/usr/bin/env"))
refused("write passwd", lambda: open("/etc/passwd", "a"))
refused("remount", lambda: syscall(165, 0, 0, 0, 0x20, 0), errno.EPERM)
for folder in ("/work", "/tmp", "/dev/shm"):
    open(folder + "/mine", "w").write("x")
contained("private folders can be written")
