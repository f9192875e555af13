"""A PostgreSQL 15 server for tests, with files of its own and no port: reached by a unix socket,
stopped by the kernel should the test run die."""
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile

from daemon import eventually

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")


class Cluster:
    """The server refuses to be root: it is postgres, or nobody, then."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="agentcored-pg-", dir="/tmp"))
        self.server = None

    def __enter__(self):
        try:
            return self._start()
        except BaseException:
            self.__exit__()
            raise

    def _start(self):
        become = ["/usr/bin/setpriv", "--pdeathsig", "INT"]
        if os.geteuid() == 0:
            user = next(user for user in pwd.getpwall() if user.pw_name in ("postgres", "nobody"))
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.folder.chmod(0o755)  # the daemon, root without its capabilities, opens the socket
            become += ["--reuid", user.pw_name, "--regid", str(user.pw_gid), "--clear-groups"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
                 "stderr": subprocess.DEVNULL, "cwd": "/"}
        subprocess.run([*become, PROGRAMS / "initdb", "-D", self.folder / "data",
                        "-U", "agentcored", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8",
                        "--no-sync"], check=True, **quiet)
        self.server = subprocess.Popen(
            [*become, PROGRAMS / "postgres", "-D", self.folder / "data", "-k", self.folder,
             "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB"], **quiet)
        assert eventually(self._answers, 20), "PostgreSQL did not start"
        return self

    def _answers(self):
        return subprocess.run([PROGRAMS / "pg_isready", "-q", "-h", self.folder]).returncode == 0

    @property
    def connection(self):
        return f"host={self.folder} dbname=postgres user=agentcored"

    def __exit__(self, *_):
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)  # "fast": what runs is cut off
            self.server.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)
