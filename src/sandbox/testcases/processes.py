# Nobody else is seen, and nothing of the host is reached by number.
pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
holds(f"only own processes are seen: {pids}", set(pids) <= {1, os.getpid(), os.getppid()})
holds("the parent is PID 1", os.getppid() == 1)
holds("own number is small", os.getpid() < 10)
refused("signal a host process", lambda: os.kill(int(os.environ["HOST_PID"]), 0), errno.ESRCH)
refused("its /proc", lambda: os.stat("/proc/" + os.environ["HOST_PID"]), errno.ENOENT)
refused("kill everybody", lambda: (signal.signal(15, signal.SIG_IGN), os.kill(-1, 15)), errno.ESRCH)
refused("system log", lambda: syscall(103, 3, 0, 0), errno.EPERM)
holds("host name is its own", os.uname().nodename == "sandbox")
refused("change the host name", lambda: socket.sethostname("evil"), errno.EPERM)
holds("no System V segments of others", len(open("/proc/sysvipc/shm").readlines()) == 1)
holds("control group is a root of its own",
      all(line.rstrip().endswith(":/") for line in open("/proc/self/cgroup")))
