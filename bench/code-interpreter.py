"""Code Interpreter: from nothing to the first result, warm executions, forks of a session, many
sessions, files, and what a neighbour feels of a hostile one.

Peers in the same run: `python3 -c 1+1` without any sandbox, and a Jupyter kernel (start, one
execution) when --jupyter names a Python that has jupyter_client and ipykernel.
"""

import argparse
import base64
import hashlib
import os
import statistics
import subprocess
import threading
import time
from pathlib import Path

from _code_session import (Session, at_once, exchange, fork, guest_pids, private_mb,
                           start_and_run, tool_request)
from _daemon import daemon

JUPYTER = """
import sys, time
from jupyter_client.manager import KernelManager
for _ in range(int(sys.argv[1])):
    start = time.monotonic()
    manager = KernelManager()
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    client.execute_interactive("1+1", output_hook=lambda _: None)
    cold = time.monotonic() - start
    start = time.monotonic()
    client.execute_interactive("1+1", output_hook=lambda _: None)
    print(cold * 1000, (time.monotonic() - start) * 1000)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
"""

HOSTILE = {
    "spins": "while :; do :; done",
    "bombs memory": "tail /dev/zero",
    "forks": "f() { f | f & }; f; sleep 600",
    "floods output": "yes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "makes files": "while :; do seq 90000 | xargs touch; find . -name '[0-9]*' -delete; done",
}


def spread(ms: list) -> str:
    ms = sorted(ms)
    return (f"p50 {statistics.median(ms):7.1f} ms   p99 {ms[int(len(ms) * 0.99)]:7.1f} ms   "
            f"(n={len(ms)})")


def tell(what: str, value: str) -> None:
    print(f"{what:45}{value}", flush=True)


def timed(work) -> float:
    start = time.monotonic()
    work()
    return (time.monotonic() - start) * 1000


def starts(client, count: int, pause: float, code: str) -> list:
    """Start to first result, with `pause` seconds between two, in which guests are made ready."""
    found = []
    for _ in range(count):
        start = time.monotonic()
        session = Session(client)
        session.run(code)
        found.append((time.monotonic() - start) * 1000)
        session.stop()
        time.sleep(pause)
    return found


def raw_starts(served, client, options, code: str) -> list:
    """The same by a client that is no boto3, whose two calls take longer than the daemon."""
    found = []
    for _ in range(options.count):
        start = time.monotonic()
        session_id = start_and_run(served, code)
        found.append((time.monotonic() - start) * 1000)
        Session(client, session_id).stop()
        time.sleep(options.pause)
    return found


def measure_starts(served, options) -> None:
    client = served.client("bedrock-agentcore")
    found = raw_starts(served, client, options, "1+1")
    tell("start + executeCode(1+1), raw, guest ready", spread(found))
    found = raw_starts(served, client, options, "import numpy, pandas\n1+1")
    tell("the same with import numpy, pandas, raw", spread(found))
    found = starts(client, options.count, options.pause, "1+1")
    tell("start + executeCode(1+1), by boto3", spread(found))
    found = starts(client, options.count, options.pause, "import numpy, pandas\n1+1")
    tell("the same with import numpy, pandas, by boto3", spread(found))
    found = starts(client, options.count, 0, "1+1")
    tell("one after the other without a pause", spread(found))
    time.sleep(8)


def measure_warm(served, options) -> None:
    session = Session(served.client("bedrock-agentcore"))
    session.run("1+1")
    found = [timed(lambda: session.run("1+1")) for _ in range(options.count * 20)]
    tell("warm executeCode(1+1)", spread(found))
    request = tool_request(served, session.id, "executeCode", code="1+1", language="python")
    found = [timed(lambda: exchange(served, request)) for _ in range(options.count * 20)]
    tell("the same by a client that is no boto3", spread(found))
    session.stop()


def measure_files(served, _options) -> None:
    session = Session(served.client("bedrock-agentcore"))
    session.run("1+1")
    data = os.urandom(100_000_000)
    write = tool_request(served, session.id, "writeFiles", content=[
        {"path": "large", "blob": base64.b64encode(data).decode()}])
    read = tool_request(served, session.id, "readFiles", paths=["large"])
    wrote, got = [], []
    for _ in range(5):
        wrote.append(100_000 / timed(lambda: exchange(served, write)))
        got.append(100_000 / timed(lambda: exchange(served, read)))
    for what, rates in (("writeFiles", wrote), ("readFiles", got)):
        tell(f"{what} of 100 MB",
             f"median {statistics.median(rates):.0f} MB/s, best {max(rates):.0f}")
    again = session.call("executeCommand", command="sha256sum < large")
    assert hashlib.sha256(data).hexdigest() in str(again), "the file is another one"
    session.stop()


def measure_forks(served, options) -> None:
    """To the answer, and to the first result of a fork."""
    client = served.client("bedrock-agentcore")
    session = Session(client)
    session.run("import numpy, pandas\nkept = 42")
    answers, results = [], []
    for _ in range(options.count):
        start = time.monotonic()
        made = fork(served, session)[0]
        answers.append((time.monotonic() - start) * 1000)
        other = Session(client, made["sessionId"])
        assert "42" in str(other.run("kept")), "the state did not come along"
        results.append((time.monotonic() - start) * 1000)
        other.stop()
        time.sleep(options.pause)
    tell("fork of a live session, to the answer", spread(answers))
    tell("fork of a live session, to a result", spread(results))
    session.stop()


def stop_all(client, ids: list) -> None:
    for session_id in ids:
        Session(client, session_id).stop()


def measure_burst(served, options) -> None:
    client = served.client("bedrock-agentcore")
    for attempt in ("first time", "second time", "third time"):
        found, ids = at_once(served, options.burst, "import numpy, pandas\n1+1")
        tell(f"{options.burst} sessions at once, {attempt}", spread(found))
        stop_all(client, ids)
        time.sleep(10)


def measure_idle(served, options) -> None:
    client = served.client("bedrock-agentcore")
    first = Session(client)
    first.run("1+1")
    time.sleep(3)
    first.stop()  # it would count against the account's limit
    before, free = set(guest_pids(served.pid)), memory_available()
    ids = []
    begin = time.monotonic()
    while len(ids) < options.idle:
        ids += at_once(served, min(50, options.idle - len(ids)), "import numpy, pandas\n1+1")[1]
    took = time.monotonic() - begin
    pids = [pid for pid in guest_pids(served.pid) if pid not in before]
    tell(f"{options.idle} idle sessions, numpy and pandas loaded",
         f"{private_mb(pids) / len(ids):.1f} MB private each; the machine has "
         f"{(free - memory_available()) / len(ids):.1f} MB less each; started in {took:.0f} s")
    found = []
    for session_id in ids[::max(1, len(ids) // 50)]:
        found.append(timed(lambda: Session(client, session_id).run("1+1")))
    tell("executeCode(1+1) in 50 of them", spread(found))
    stop_all(client, ids)


def memory_available() -> float:
    for line in Path("/proc/meminfo").read_text("ascii").split("\n"):
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) / 1024
    return 0.0


def harass(served, command: str, over: threading.Event) -> None:
    """One hostile session after the other, until it is over."""
    client = served.client("bedrock-agentcore")
    while not over.is_set():
        session = Session(client)
        try:
            task = session.call("startCommandExecution", command=command)
            task_id = task["structuredContent"]["taskId"]
            while not over.wait(0.5):
                status = session.call("getTask", taskId=task_id)["structuredContent"]["taskStatus"]
                if status != "working":
                    break
            session.stop()
        except Exception:
            continue  # the session has ended of its bomb


def measure_neighbours(served, options) -> None:
    session = Session(served.client("bedrock-agentcore"))
    request = tool_request(served, session.id, "executeCode", code="1+1", language="python")

    def latencies(seconds: float) -> list:
        found, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            found.append(timed(lambda: exchange(served, request)))
            time.sleep(0.002)
        return found
    latencies(1)
    alone = latencies(options.seconds)
    tell("executeCode(1+1), neighbours idle", spread(alone))
    for name, command in HOSTILE.items():
        over = threading.Event()
        hostile = threading.Thread(target=harass, args=(served, command, over))
        hostile.start()
        time.sleep(1)
        tell(f"beside a session that {name}", spread(latencies(options.seconds)))
        over.set()
        hostile.join()
        time.sleep(1)
    session.stop()


def measure_peers(_served, options) -> None:
    plain = [timed(lambda: subprocess.run(["/usr/bin/python3", "-c", "1+1"], check=True))
             for _ in range(options.count)]
    tell("peer: python3 -c 1+1, no sandbox", spread(plain))
    if options.jupyter:
        lines = subprocess.run([options.jupyter, "-c", JUPYTER, "5"], check=True, text=True,
                               capture_output=True).stdout.split("\n")
        pairs = [[float(x) for x in line.split()] for line in lines if line]
        tell("peer: Jupyter kernel, to first result", spread([p[0] for p in pairs]))
        tell("peer: Jupyter kernel, warm execution", spread([p[1] for p in pairs]))


PARTS = {"starts": measure_starts, "warm": measure_warm, "forks": measure_forks,
         "files": measure_files, "burst": measure_burst, "neighbours": measure_neighbours,
         "peers": measure_peers, "idle": measure_idle}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--count", type=int, default=50, help="of each measurement")
    parser.add_argument("--pause", type=float, default=0.5,
                        help="seconds between two starts, in which guests are made ready")
    parser.add_argument("--burst", type=int, default=100)
    parser.add_argument("--idle", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=8, help="beside each hostile session")
    parser.add_argument("--pool", type=int, default=8,
                        help="guests kept ready, whatever demand was lately (the default's 8)")
    parser.add_argument("--jupyter", help="a Python with jupyter_client and ipykernel")
    options = parser.parse_args()
    pool = f"code_interpreter: {{pool: {options.pool}, pool_max: {max(options.pool, 128)}}}\n"
    with daemon(more=pool) as served:
        # Makes the template and the pool.
        starts(served.client("bedrock-agentcore"), 1, 4 + options.pool / 20, "1+1")
        for part in options.parts:
            PARTS[part](served, options)


if __name__ == "__main__":
    main()
