# The machine's knobs are out of reach.
for name in ("kernel/hostname", "kernel/core_pattern", "kernel/modprobe", "vm/drop_caches",
             "kernel/sysrq", "net/ipv4/ip_forward", "kernel/ns_last_pid"):
    if os.path.exists("/proc/sys/" + name):
        refused(f"write /proc/sys/{name}", lambda: open("/proc/sys/" + name, "w").write("0"))
holds("/sys is empty", os.listdir("/sys") == [])
for name in ("kcore", "keys", "key-users", "kmsg", "timer_list", "cmdline", "sysrq-trigger",
             "kallsyms", "kpagecount"):
    path = "/proc/" + name
    if not os.path.exists(path):
        continue
    try:
        holds(f"{path} is masked", open(path, "rb").read(16) == b"")
    except OSError:
        contained(f"{path} cannot be read")
refused("trigger SysRq", lambda: (_ for _ in ()).throw(OSError(errno.EPERM, "")) if os.stat(
    "/proc/sysrq-trigger").st_rdev == os.makedev(1, 3) else open("/proc/sysrq-trigger", "w"))
for folder in ("acpi", "scsi"):
    if os.path.isdir("/proc/" + folder):
        holds(f"/proc/{folder} is empty", os.listdir("/proc/" + folder) == [])
holds("memory can be asked for", "MemTotal" in open("/proc/meminfo").read())
