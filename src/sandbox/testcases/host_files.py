# What is on the host stays there: secrets, other users' files, the old root.
for path in ("/etc/shadow", "/etc/gshadow", "/etc/ssl/private", "/etc/sudoers", "/root", "/home",
             "/var/lib", "/var/log", "/boot", "/etc/hostname.d", "/run/systemd", "/run/docker.sock",
             "/etc/machine-id", os.environ["HOST_SECRET"], os.environ["HOST_DATA"]):
    absent(path, path)
absent("path through ..", "/work/../../../../../.." + os.environ["HOST_SECRET"])
os.symlink("../../../../../.." + os.environ["HOST_SECRET"], "/work/link")
absent("path through a link", "/work/link")
for pid in ("1", "self"):
    absent(f"/proc/{pid}/root", f"/proc/{pid}/root{os.environ['HOST_SECRET']}")
    absent(f"/proc/{pid}/cwd", f"/proc/{pid}/cwd/../../../..{os.environ['HOST_SECRET']}")
refused("chroot", lambda: os.chroot("/work"), errno.EPERM)
refused("pivot_root", lambda: syscall(155, 0, 0), errno.EPERM)
holds("old root is gone", b"/.old" not in open("/proc/self/mountinfo", "rb").read())
# A handle names an inode of the file system whatever is mounted: the classic way out.
refused("open_by_handle_at", lambda: syscall(304, -100, 0, 0), errno.EPERM)
refused("name_to_handle_at", lambda: syscall(303, -100, 0, 0, 0, 0), errno.EPERM)
