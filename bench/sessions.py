"""New sessions of agents: how soon the first byte comes, one at a time and a hundred at once; what
live idle sessions hold, and what they cost the busy ones. Peers, in the same run: the same program
started by hand on this machine, without any isolation.

The Python agent imports bedrock_agentcore and strands and is served by BedrockAgentCoreApp; its
packages are installed by the daemon, and the peer uses the same ones.
"""

import argparse
import concurrent.futures
import contextlib
import importlib.metadata
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from _daemon import BIN, REGION, ROOT, daemon

sys.path.insert(0, str(ROOT / "tests/conformance"))

BODY = b'{"prompt": "Hello"}'
PLAIN = (b"POST /invocations HTTP/1.1\r\nHost: agent\r\nContent-Type: application/json\r\n"
         b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(BODY), BODY))
AGENT = """
from bedrock_agentcore import BedrockAgentCoreApp
from strands import Agent, tool

@tool
def shout(text: str) -> str:
    '''Louder.'''
    return text.upper()

app = BedrockAgentCoreApp()

@app.entrypoint
def invoke(payload):
    return {"message": payload["prompt"]}

if __name__ == "__main__":
    app.run(port=int(__import__("os").environ.get("AGENT_PORT", "8080")))
"""
PACKAGES = ("bedrock-agentcore", "strands-agents")
FILES = {"agent.py": AGENT.encode(),
         "requirements.txt": "".join(f"{name}=={importlib.metadata.version(name)}\n"
                                     for name in PACKAGES).encode()}
ANSWER_SECONDS_MAX = 180
# Until new sessions count as idle and the pool has refilled.
SETTLE_SECONDS = 20


def ask(port: int, request: bytes) -> float:
    """Milliseconds from sending to the first byte of a 200."""
    with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS_MAX) as connection:
        began = time.perf_counter()
        connection.sendall(request)
        head = connection.recv(4096)
        took = (time.perf_counter() - began) * 1000
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"unexpected answer: {head[:600]!r}")
    return took


given_ports: set[int] = set()


def free_port() -> int:
    """One that nobody was given before: programs that start at once must not meet on one."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in given_ports:
            given_ports.add(port)
            return port


def by_hand(command: list[str], environment: dict[str, str], port: int) -> float:
    """Milliseconds from fork to the first byte of its answer."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                ask(port, PLAIN)
                return (time.perf_counter() - began) * 1000
            time.sleep(0.0005)
    finally:
        process.terminate()
        process.wait(20)


def native_by_hand() -> float:
    port = free_port()
    return by_hand([str(BIN / "echo_agent"), str(port)], {}, port)


class PythonByHand:
    """The agent with the packages that the daemon installed for it."""

    def __init__(self, folder: str):
        data = Path(folder, "data/runtime")
        self.folder = tempfile.TemporaryDirectory()
        Path(self.folder.name, "agent.py").write_bytes(FILES["agent.py"])
        self.packages = next((data / "packages").iterdir())

    def start(self) -> float:
        port = free_port()
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(self.packages),
                       "AGENT_PORT": str(port), "HOME": self.folder.name,
                       "PYTHONDONTWRITEBYTECODE": "1"}
        return by_hand(["/usr/bin/python3", f"{self.folder.name}/agent.py"], environment, port)


def quantiles(values: list[float]) -> str:
    ordered = sorted(values)
    return (f"p50 {statistics.median(ordered):8.2f} ms, "
            f"p99 {ordered[int(0.99 * (len(ordered) - 1))]:8.2f} ms, max {ordered[-1]:8.2f} ms")


def session_name(kind: str, number: int) -> str:
    return f"{kind}-{number:05}-" + "x" * 24


def read_metrics(ours) -> dict[str, float]:
    with socket.create_connection(("127.0.0.1", ours.port)) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    return {name: float(value) for name, value in re.findall(r"^(agentcored_\w+) (\S+)$", text,
                                                             re.MULTILINE)}


def wait_for_pool(ours, guests: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while read_metrics(ours)["agentcored_runtime_pool_guests"] < guests:
        if time.monotonic() > end:
            raise SystemExit("no guest came to wait for a session")
        time.sleep(0.02)


NO_POOL = "runtime: {pool: {guests_max: 0}}\n"


def first_byte(count: int) -> None:
    print(f"first byte on a new session, Python agent (bedrock_agentcore, strands), {count} each")
    with tempfile.TemporaryDirectory() as folder:
        with daemon(folder=folder) as ours:
            arn = ours.deploy(FILES, "agent.py", "sessions")
            peer = PythonByHand(folder)
            ask(ours.port, ours.raw_invocation(arn, session_name("first", 0), BODY))
            waited = []
            for i in range(count):
                wait_for_pool(ours, 1)
                waited.append(ask(ours.port, ours.raw_invocation(arn, session_name("pool", i),
                                                                 BODY)))
            hand = [peer.start() for _ in range(min(count, 10))]
        with daemon(folder=folder, more=NO_POOL) as ours:
            ask(ours.port, ours.raw_invocation(arn, session_name("settle", 0), BODY))
            time.sleep(5)  # a template is made after the first session
            plain = [ask(ours.port, ours.raw_invocation(arn, session_name("plain", i), BODY))
                     for i in range(count)]
    print(f"  a guest waits          {quantiles(waited)} (target p50 25)")
    print(f"  no guest waits         {quantiles(plain)} (target p50 25)")
    print(f"  fork+exec, no box      {quantiles(hand)}")


def at_once(ours, arn: str, count: int, kind: str) -> list[float]:
    requests = [ours.raw_invocation(arn, session_name(kind, i), BODY) for i in range(count)]
    barrier = threading.Barrier(count)

    def one(request: bytes) -> float:
        barrier.wait()
        return ask(ours.port, request)

    with concurrent.futures.ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, requests))


def hands_at_once(start, count: int) -> list[float]:
    barrier = threading.Barrier(count)

    def one(_) -> float:
        barrier.wait()
        return start()

    with concurrent.futures.ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


def report(agent: str, medians: list[float], target: int) -> None:
    """The first burst meets no guests that wait for it; the later ones do."""
    print(f"  {agent}, first burst median {medians[0]:8.1f} ms (target {target})")
    if later := medians[1:]:
        print(f"  {agent}, later bursts median {statistics.median(later):7.1f} ms "
              f"(target {target})")


def burst(count: int, rounds: int) -> None:
    print(f"{count} new sessions at once, median of {rounds} rounds")
    with tempfile.TemporaryDirectory() as folder, daemon(folder=folder) as ours:
        echo = ours.deploy({"echo_agent": (BIN / "echo_agent").read_bytes()}, "echo_agent", "echo")
        native, native_hand = [], []
        for i in range(rounds):
            native.append(statistics.median(at_once(ours, echo, count, f"native{i}")))
            native_hand.append(statistics.median(hands_at_once(native_by_hand, count)))
            time.sleep(1)
            wait_for_pool(ours, count)
        report("native agent", native, 250)
        print(f"  fork+exec, no box      median {statistics.median(native_hand):8.1f} ms")
    with tempfile.TemporaryDirectory() as folder, daemon(folder=folder) as ours:
        arn = ours.deploy(FILES, "agent.py", "sessions")
        peer = PythonByHand(folder)
        ask(ours.port, ours.raw_invocation(arn, session_name("settle", 0), BODY))
        wait_for_pool(ours, 1)
        python = []
        for i in range(rounds):
            python.append(statistics.median(at_once(ours, arn, count, f"python{i}")))
            time.sleep(1)
            wait_for_pool(ours, count)
        few = min(count, 10)
        report("Python agent", python, 600)
        print(f"  fork+exec, no box, {few:3} at once: median "
              f"{statistics.median(hands_at_once(peer.start, few)):8.1f} ms")


def below(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{name}/stat").read_text("ascii").rpartition(")")[2].split()
            children.setdefault(int(stat[1]), []).append(int(name))
    found, todo = [], [pid]
    while todo:
        more = children.get(todo.pop(), [])
        found += more
        todo += more
    return found


def private_mb(pid: int) -> float:
    """What no other process shares with it."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
        return sum(map(int, re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.MULTILINE))) / 1024
    return 0.0


def busy_p99(ours, arn: str, sessions: int, seconds: float) -> float:
    """Of invocations of sessions that are there already."""
    requests = [ours.raw_invocation(arn, session_name("busy", i), BODY) for i in range(sessions)]
    for request in requests:
        ask(ours.port, request)
    took = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for request in requests:
            took.append(ask(ours.port, request))
    return sorted(took)[int(0.99 * (len(took) - 1))]


def idle(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder, daemon(
            folder=folder, more="runtime: {sessions_max: 5000}\n") as ours:
        arn = ours.deploy(FILES, "agent.py", "sessions")
        ask(ours.port, ours.raw_invocation(arn, session_name("settle", 0), BODY))
        wait_for_pool(ours, 1)
        before = busy_p99(ours, arn, 5, 5)
        memory = available_mb()
        began = time.monotonic()
        for i in range(count):
            ask(ours.port, ours.raw_invocation(arn, session_name("idle", i), BODY))
        took = time.monotonic() - began
        held = memory - available_mb()
        time.sleep(SETTLE_SECONDS)
        after = busy_p99(ours, arn, 5, 5)
        private = sorted(filter(lambda mb: mb > 1, map(private_mb, below(ours.pid))))
    print(f"{count} live idle sessions, Python agent, made in {took:.1f} s one after the other")
    print(f"  private memory a session  median {statistics.median(private):.1f} MB, "
          f"max {private[-1]:.1f} MB (target 16)")
    print(f"  less memory available     {held:.0f} MB, {held / count:.1f} MB a session")
    print(f"  p99 of five busy sessions {before:.2f} ms alone, {after:.2f} ms beside the idle ones")


def available_mb() -> float:
    text = Path("/proc/meminfo").read_text("ascii")
    return int(re.search(r"MemAvailable:\s+(\d+)", text)[1]) / 1024


def deploy_image(ours, archive: bytes, name: str) -> str:
    s3 = ours.client("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=name, Key="image.tar", Body=archive)
    control = ours.client("bedrock-agentcore-control")
    made = control.create_agent_runtime(
        agentRuntimeName=name, roleArn="arn:aws:iam::000000000000:role/bench",
        agentRuntimeArtifact={"containerConfiguration": {
            "containerUri": f"s3://{name}/image.tar"}},
        networkConfiguration={"networkMode": "PUBLIC"})
    seen = {"status": "CREATING"}
    while seen["status"] == "CREATING":
        time.sleep(0.05)
        seen = control.get_agent_runtime(agentRuntimeId=made["agentRuntimeId"])
    if seen["status"] != "READY":
        raise SystemExit(seen.get("failureReason"))
    return made["agentRuntimeArn"]


def container(count: int) -> None:
    import images
    program = (BIN / "echo_agent").read_bytes()
    archive = images.layout([images.tar_of({"agent": program})], Entrypoint=["/agent", "8080"])
    with daemon(more=NO_POOL) as ours:
        arn = deploy_image(ours, archive, "container")
        ask(ours.port, ours.raw_invocation(arn, session_name("settle", 0), BODY))
        took = [ask(ours.port, ours.raw_invocation(arn, session_name("container", i), BODY))
                for i in range(count)]
        hand = [native_by_hand() for _ in range(count)]
    print(f"first byte on a new session, unpacked container image, native agent, {count} sessions")
    print(f"  agentcored             {quantiles(took)}")
    print(f"  its entrypoint by hand {quantiles(hand)}")
    more = statistics.median(took) - statistics.median(hand)
    print(f"  more than by hand      p50 {more:8.2f} ms (target 10)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["first-byte", "burst", "idle", "container"])
    parser.add_argument("--count", type=int, default=50, help="sessions, one after the other")
    parser.add_argument("--at-once", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=1000, help="live idle sessions")
    arguments = parser.parse_args()
    if arguments.only in (None, "container"):
        container(arguments.count)
    if arguments.only in (None, "first-byte"):
        first_byte(arguments.count)
    if arguments.only in (None, "burst"):
        burst(arguments.at_once, arguments.rounds)
    if arguments.only in (None, "idle"):
        idle(arguments.idle)


if __name__ == "__main__":
    main()
