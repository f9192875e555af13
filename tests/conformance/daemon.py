"""A real agentcored, started for tests on a free port with a data folder of its own."""
import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGION = "us-west-2"
READY = "agentcored ready on "
START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 40


def program(name):
    override = os.environ.get(f"{name.upper()}_BIN")
    return pathlib.Path(override) if override else ROOT / "build/bin" / name


class Daemon:
    """One data folder and, while it runs, the process that serves it."""

    def __init__(self, data_dir=None, arguments=(), environment=None, user=None,
                 own_mounts=False):
        """`own_mounts`: in a mount namespace of its own, so that what is mounted in it is its own
        doing, whatever others mount on the machine meanwhile. Needs root."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="agentcored-test-"))
        self.user = {}
        if user is not None:
            os.chown(self.folder, user, user)
            self.user = {"user": user, "group": user, "extra_groups": []}
        self.data_dir = pathlib.Path(data_dir) if data_dir else self.folder / "data"
        self.arguments = list(arguments)
        self.prefix = (["unshare", "--mount", "--propagation", "private"]
                       if own_mounts and os.geteuid() == 0 else [])
        self.environment = environment or {}
        self.process = None
        self.endpoint = None
        self.starts = 0
        self.clients = {}
        self.clients_lock = threading.Lock()

    # -- life

    def start(self):
        self.starts += 1
        self.log_path = self.folder / f"daemon-{self.starts}.log"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        # uv, which makes environments fast, is in the test venv.
        environment["PATH"] = f"{ROOT}/build/venv/bin:{environment['PATH']}"
        environment.update(self.environment)
        command = [*self.prefix, program("agentcored"), "--listen", "127.0.0.1:0", "--data-dir",
                   self.data_dir]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *self.arguments], stdout=subprocess.PIPE, stderr=log, text=True,
                stdin=subprocess.DEVNULL, env=environment, start_new_session=True, **self.user)
        line = self._first_line()
        if not line.startswith(READY):
            self.kill9()
            raise RuntimeError(f"the daemon said {line!r} and not ready:\n{self.log_tail()}")
        self.endpoint = line[len(READY):].strip()
        self.port = int(self.endpoint.rsplit(":", 1)[1])
        self.env = self._client_environment()
        return self

    def _first_line(self):
        found = []
        reader = threading.Thread(
            target=lambda: found.append(self.process.stdout.readline()), daemon=True)
        reader.start()
        reader.join(START_SECONDS_MAX)
        return found[0] if found else ""

    def _client_environment(self):
        key = json.loads((self.data_dir / "root-access-key.json").read_text())
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": key["accessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["secretAccessKey"],
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """SIGTERM; its exit code. What runs on after STOP_SECONDS_MAX is killed: None."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill9()
            return None
        finally:
            self.process.stdout.close()

    def kill9(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def restart(self):
        if self.running():
            assert self.stop() == 0
        return self.start()

    def remove(self):
        """Ends it, whatever state it is in, and deletes its files."""
        if self.running():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # -- clients

    def client(self, service, **settings):
        """A boto3 client without retries; making one is slow, so each is made once a start."""
        key = (service, self.endpoint, repr(sorted(settings.items())))
        with self.clients_lock:
            if key not in self.clients:
                self.clients[key] = self._new_client(service, settings)
            return self.clients[key]

    def _new_client(self, service, settings):
        settings.setdefault("retries", {"total_max_attempts": 1})
        settings.setdefault("read_timeout", 120)
        settings.setdefault("max_pool_connections", 64)
        session = boto3.session.Session(
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
        return session.client(service, endpoint_url=self.endpoint, config=Config(**settings))

    def command_environment(self):
        """For programs that tests start: the machine's environment, pointed at this daemon."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        kept["PATH"] = f"{ROOT}/build/venv/bin:{kept['PATH']}"
        return {**kept, **self.env, "AGENTCORE_ENDPOINT": self.endpoint,
                "AGENTCORE_DATA_DIR": str(self.data_dir)}

    # -- what it is made of

    def log_tail(self, bytes_max=4000):
        return self.log_path.read_text(errors="replace")[-bytes_max:]

    def descendants(self):
        return descendants(self.pid)

    def open_files(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def memory_bytes(self, field="VmRSS"):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().split("\n"):
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise KeyError(field)

    @property
    def instance(self):
        """How the daemon names its cgroups: after its data folder."""
        return hashlib.sha256(str(self.data_dir.resolve()).encode()).hexdigest()[:12]

    def leftovers(self, pids=()):
        """What should be gone after the end: processes, cgroups, mounts."""
        left = [f"process {pid}: {command_of(pid)}" for pid in pids if is_alive(pid)]
        left += [f"cgroup {path}" for path, _ in self.cgroups()]
        left += self.mounts()
        return left

    def cgroups(self):
        """Its control groups: path and inode, which the next group of that name has not."""
        found = set()
        for folder, names, _ in os.walk("/sys/fs/cgroup"):
            for path in (os.path.join(folder, name) for name in names if self.instance in name):
                with contextlib.suppress(OSError):
                    found.add((path, os.stat(path).st_ino))
        return found

    def mounts(self):
        """What is mounted that has to do with it, but for what its data folder is on."""
        left = []
        for line in pathlib.Path("/proc/self/mountinfo").read_text().split("\n"):
            if str(self.folder) in line and str(self.data_dir) + " " not in line:
                left.append(f"mount {line}")
        return left


def descendants(pid):
    """The pids of all processes below `pid`."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = pathlib.Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            parent = int(stat.rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def is_alive(pid):
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return "?"


def eventually(condition, seconds=10.0, pause=0.02):
    """Polls until `condition()` is true; its last value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(pause)
