# Nothing comes along that was not given.
holds("three descriptors", {int(fd) for fd in os.listdir("/proc/self/fd")} <= {0, 1, 2, 3})
holds("stdin is empty", sys.stdin.read() == "")
given = {"PATH", "LC_CTYPE"} | {name for name in os.environ if name.startswith("HOST_")}
holds("environment is what was given", set(os.environ) <= given)
holds("signals are at their defaults",
      all(signal.getsignal(n) == signal.SIG_DFL
          for n in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)))
holds("no signal is blocked", signal.pthread_sigmask(signal.SIG_BLOCK, []) == set())
holds("a session of its own", os.getsid(0) == os.getpid())
holds("umask", os.umask(0o022) == 0o022)
holds("working folder", os.getcwd() == "/work")
holds("passwd knows the guest", __import__("pwd").getpwuid(os.getuid()).pw_name == "agent")
holds("work folder is empty", os.listdir("/work") == [])
holds("tmp is empty", os.listdir("/tmp") == [])
