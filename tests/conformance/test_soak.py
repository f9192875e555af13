"""Sessions created, used, idled out, crashed and stopped at random, by many callers at once, while
runtimes are updated and deleted. Afterwards nothing of them is left: no process, mount, control
group, descriptor or file. `--soak-seconds` sets how long, `--soak-seed` repeats the choices."""
import collections
import contextlib
import gc
import http.client
import os
import pathlib
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

import agents
from conftest import served
from daemon import descendants, eventually

CALLERS = 8
IDLE_SECONDS = 3
SETTLE_SECONDS_MAX = 60
# Of one caller: above it, it ends sessions before it makes new ones.
SESSIONS_MAX = 4
# What may differ from the beginning: a descriptor of a connection that is just being closed.
SLACK_FILES = 2

EXPECTED = {"RuntimeClientError", "ConflictException", "ResourceNotFoundException",
            "RetryableConflictException", "ThrottlingException"}


@pytest.fixture
def soaked(request, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(f"""
runtime:
  idle_seconds_max: {IDLE_SECONDS}
  pool: {{guests_max: 6, version_guests_max: 3, idle_seconds: 5}}
log: {{level: warn}}
""")
    seed = request.config.getoption("--soak-seed") or random.randrange(1 << 32)
    print(f"soak seed {seed}")
    with served(arguments=["--config", str(config)], own_mounts=True) as daemon:
        yield daemon, request.config.getoption("--soak-seconds"), seed


class Footprint:
    """What the daemon and what it started hold at one moment."""

    def __init__(self, daemon):
        pids = [daemon.pid, *descendants(daemon.pid)]
        self.processes = len(pids)
        self.files = {pid: files_of(pid) for pid in pids[:2]}  # the daemon, its launcher
        for files in self.files.values():
            files.pop("user", None)  # namespaces that the launcher keeps for reuse, bounded
        self.mounts = len(pathlib.Path(f"/proc/{daemon.pid}/mountinfo").read_text().split("\n"))
        self.cgroups = sum(daemon.instance in folder or daemon.instance in name
                           for folder, names, _ in os.walk("/sys/fs/cgroup") for name in names)
        self.paths = {str(path.relative_to(daemon.data_dir))
                      for top in ("runtime", "spool") for path in (daemon.data_dir / top).rglob("*")
                      if not path.is_relative_to(daemon.data_dir / "runtime/builds")}

    def excess(self, before):
        out = []
        for name in ("processes", "mounts", "cgroups"):
            if getattr(self, name) > getattr(before, name):
                out.append(f"{name}: {getattr(before, name)} became {getattr(self, name)}")
        for pid, files in self.files.items():
            had = before.files.get(pid, {})
            if sum(files.values()) > sum(had.values()) + SLACK_FILES:
                out.append(f"descriptors of {pid}: {had} became {files}")
        out += [f"file {path}" for path in sorted(self.paths - before.paths)]
        return out


def settled(daemon):
    """When nothing is on its way any more: sandboxes that are prepared ahead are there again."""
    found = []

    def is_steady():
        found.append(Footprint(daemon))
        return len(found) > 2 and vars(found[-1]) == vars(found[-2]) == vars(found[-3])
    assert eventually(is_steady, SETTLE_SECONDS_MAX, 1)
    return found[-1]


def files_of(pid):
    """Open descriptors by kind."""
    kinds = collections.Counter()
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            kinds[os.readlink(f"/proc/{pid}/fd/{name}").split(":")[0]] += 1
    return dict(kinds)


class Caller(threading.Thread):
    """One client with sessions of its own and a stream of random choices."""

    def __init__(self, daemon, runtimes, seed, end):
        super().__init__()
        self.daemon_under_test = daemon
        self.runtimes = runtimes
        self.random = random.Random(seed)
        self.end = end
        self.sessions = []  # (runtime, id, what it was told to remember)
        self.done = collections.Counter()
        self.wrong = []

    def run(self):
        actions = [(self.create, 8), (self.use, 12), (self.crash, 2), (self.leave, 2),
                   (self.stop, 3), (self.forget, 3), (self.command, 1), (self.flood, 1)]
        choices, weights = zip(*actions)
        first = list(choices)  # each at least once
        while (first or time.monotonic() < self.end) and not self.wrong:
            action = first.pop(0) if first else self.random.choices(choices, weights)[0]
            try:
                action()
                self.done[action.__name__] += 1
            except ClientError as error:
                code = error.response["Error"]["Code"]
                self.done[code] += 1
                if code not in EXPECTED:
                    self.wrong.append(f"{action.__name__}: {error}")
            except (BotoCoreError, AssertionError, OSError) as error:
                self.wrong.append(f"{action.__name__}: {error!r}")

    def create(self):
        if len(self.sessions) >= SESSIONS_MAX:
            return self.stop()
        runtime = self.random.choice(self.runtimes)
        session, word = agents.session_id(), str(self.random.random())
        runtime.invoke({"do": "remember", "values": {"word": word}}, session)
        self.sessions.append((runtime, session, word))

    def pick(self):
        if not self.sessions:
            self.create()
        self.random.shuffle(self.sessions)
        return self.sessions[-1]

    def use(self):
        """It answers as the session that it is: itself, or a new one after an idle end."""
        runtime, session, word = self.pick()
        answer = runtime.invoke({"do": "recall"}, session)
        assert answer["values"] in ({"word": word}, {}), answer
        if not answer["values"]:
            self.done["was new"] += 1
        echo = runtime.invoke({"do": "echo"}, session)
        assert echo["session"] == session, echo

    def crash(self):
        runtime, session, _ = self.pick()
        self.sessions.pop()
        order = self.random.choice([{"do": "crash"}, {"do": "exit", "code": 3}])
        with pytest.raises(ClientError) as caught:
            runtime.invoke(order, session)
        assert caught.value.response["Error"]["Code"] in EXPECTED, caught.value

    def leave(self):
        """A caller that goes away in the middle of an answer."""
        runtime, session, _ = self.pick()
        response = runtime.open({"do": "tokens", "count": 1000}, session)
        response["response"].read(1)
        response["response"].close()

    def stop(self):
        runtime, session, _ = self.pick()
        self.sessions.pop()
        runtime.stop(session)

    def forget(self):
        """Left alone until its idle time is over."""
        if self.sessions:
            self.sessions.pop()

    def command(self):
        runtime, session, _ = self.pick()
        stream = runtime.data.invoke_agent_runtime_command(
            agentRuntimeArn=runtime.arn, runtimeSessionId=session,
            body={"command": "sleep 0.05; echo here"})["stream"]
        assert any(["here" in str(event) for event in stream])

    def flood(self):
        runtime, session, _ = self.pick()
        self.sessions.pop()
        runtime.invoke({"do": "flood"}, session)
        time.sleep(0.05)
        runtime.stop(session)


def churn(daemon, artifact, seed, end, done):
    """Runtimes come, are updated while their sessions run, and go with them."""
    chance = random.Random(seed)
    while time.monotonic() < end:
        runtime = agents.deploy(daemon, {}, agentRuntimeArtifact=artifact)
        for _ in range(chance.randrange(4)):
            runtime.invoke({"do": "echo"})
        if chance.random() < 0.5:
            runtime.control.update_agent_runtime(
                agentRuntimeId=runtime.id, agentRuntimeArtifact=artifact, roleArn=agents.ROLE,
                networkConfiguration={"networkMode": "PUBLIC"})
            runtime.wait()
            runtime.invoke({"do": "echo"})
        runtime.delete()
        done.append(runtime.id)


def gone(runtime):
    try:
        runtime.get()
    except runtime.control.exceptions.ResourceNotFoundException:
        return True
    return False


def metrics(daemon):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().split("\n")
    connection.close()
    return {name: float(value) for name, value in
            (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))}


def test_nothing_is_left_of_sessions_that_came_and_went(soaked):
    daemon, seconds, seed = soaked
    artifact = agents.upload(daemon, agents.zip_of(agents.PUPPET_FILES))
    storage = [{"sessionStorage": {"mountPath": "/mnt/kept"}}]
    first = agents.deploy(daemon, {}, agentRuntimeArtifact=artifact,
                          filesystemConfigurations=storage)
    first.invoke({"do": "echo"})
    first.delete()
    assert eventually(lambda: gone(first), SETTLE_SECONDS_MAX)
    before = settled(daemon)

    runtimes = [agents.deploy(daemon, {}, agentRuntimeArtifact=artifact) for _ in range(2)]
    runtimes.append(agents.deploy(daemon, {}, agentRuntimeArtifact=artifact,
                                  filesystemConfigurations=storage))
    end = time.monotonic() + seconds
    callers = [Caller(daemon, runtimes, seed + i, end) for i in range(CALLERS)]
    churned = []
    churner = threading.Thread(target=churn, args=(daemon, artifact, seed, end, churned))
    for thread in (*callers, churner):
        thread.start()
    for thread in (*callers, churner):
        thread.join()
    wrong = [text for caller in callers for text in caller.wrong]
    assert not wrong, f"seed {seed}: {wrong}\n{daemon.log_tail()}"
    done = sum((caller.done for caller in callers), collections.Counter())
    print(f"seed {seed}: {dict(done)}, {len(churned)} runtimes came and went")
    assert done["create"] and done["use"] and done["crash"] and churned

    # Guests still wait, and are taken, after all that.
    taken = metrics(daemon)["agentcored_runtime_pool_taken_total"]

    def takes_one():
        runtimes[0].invoke({"do": "echo"})
        return metrics(daemon)["agentcored_runtime_pool_taken_total"] > taken
    assert eventually(takes_one, SETTLE_SECONDS_MAX, 0.3), f"seed {seed}"

    # Those that were left alone idle out; of the others nothing is asked any more either.
    assert eventually(lambda: metrics(daemon)["agentcored_runtime_sessions"] == 0,
                      SETTLE_SECONDS_MAX, 0.2), f"seed {seed}: sessions did not idle out"
    for runtime in runtimes:
        runtime.delete()
    assert eventually(lambda: all(map(gone, runtimes)), SETTLE_SECONDS_MAX)
    for client in daemon.clients.values():
        client.close()
    del callers, churner
    gc.collect()  # connections of answers that were not read to their end
    clean = eventually(lambda: not Footprint(daemon).excess(before), SETTLE_SECONDS_MAX, 0.5)
    assert clean, f"seed {seed}: {Footprint(daemon).excess(before)}"
