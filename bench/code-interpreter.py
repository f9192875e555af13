"""Code Interpreter: from nothing to the first result, warm executions, many sessions, files.

Peers in the same run: `python3 -c 1+1` without any sandbox, and a Jupyter kernel (start, one
execution) when --jupyter names a Python that has jupyter_client and ipykernel.
"""

import argparse
import json
import os
import statistics
import subprocess
import threading
import time
from pathlib import Path

from _daemon import daemon
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

SYSTEM = "aws.codeinterpreter.v1"
HTTP = URLLib3Session()

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


def spread(ms: list) -> str:
    ms = sorted(ms)
    return (f"p50 {statistics.median(ms):7.1f} ms   p99 {ms[int(len(ms) * 0.99)]:7.1f} ms   "
            f"(n={len(ms)})")


class Session:
    def __init__(self, client, session_id=None):
        self.client = client
        self.id = session_id or client.start_code_interpreter_session(
            codeInterpreterIdentifier=SYSTEM)["sessionId"]

    def call(self, name, **arguments):
        stream = self.client.invoke_code_interpreter(
            codeInterpreterIdentifier=SYSTEM, sessionId=self.id, name=name,
            arguments=arguments)["stream"]
        return list(stream)[-1]["result"]

    def run(self, code):
        result = self.call("executeCode", code=code, language="python")
        assert not result["isError"], result
        return result

    def stop(self):
        self.client.stop_code_interpreter_session(
            codeInterpreterIdentifier=SYSTEM, sessionId=self.id)


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


def fork(client, session, count: int = 1) -> list:
    """Sessions that go on from this one: an operation of ours, so no client has it."""
    endpoint = client.meta.endpoint_url
    request = AWSRequest(
        "POST", f"{endpoint}/x/code-interpreters/{SYSTEM}/sessions/{session.id}/fork",
        {"Content-Type": "application/json"}, json.dumps({"count": count}))
    credentials = client._request_signer._credentials
    SigV4Auth(credentials, "bedrock-agentcore", client.meta.region_name).add_auth(request)
    answer = HTTP.send(request.prepare())
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text)["sessions"]


def forks(client, session, count: int) -> tuple:
    """To the answer, and to the first result of a fork."""
    answers, results = [], []
    for _ in range(count):
        start = time.monotonic()
        made = fork(client, session)[0]
        answers.append((time.monotonic() - start) * 1000)
        other = Session(client, made["sessionId"])
        assert "42" in str(other.run("kept")), "the state did not come along"
        results.append((time.monotonic() - start) * 1000)
        other.stop()
        time.sleep(0.3)
    return answers, results


def burst(served, count: int) -> tuple:
    clients = [served.client("bedrock-agentcore") for _ in range(count)]
    found, sessions = [], []
    gate = threading.Barrier(count)

    def one(client):
        gate.wait()
        start = time.monotonic()
        session = Session(client)
        session.run("import numpy, pandas\n1+1")
        found.append((time.monotonic() - start) * 1000)
        sessions.append(session)

    threads = [threading.Thread(target=one, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, sessions


def private_mb(pids: list) -> float:
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in text.split("\n")
                     if line.startswith(("Private_Clean", "Private_Dirty")))
    return total / 1024


def pids_of_agents() -> list:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"/opt/agentcored/start.py" in (
                    entry / "cmdline").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


def files(session) -> tuple:
    """MB/s over calls of 10 MB each: a read returns at most 11 MB."""
    data = os.urandom(10_000_000)
    names = [f"part{number}" for number in range(10)]
    write = timed(lambda: [session.call("writeFiles", content=[{"path": name, "blob": data}])
                           for name in names])
    read = timed(lambda: [session.call("readFiles", paths=[name]) for name in names])
    return 100 / write * 1000, 100 / read * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=40)
    parser.add_argument("--pause", type=float, default=1.5, help="seconds between two starts")
    parser.add_argument("--burst", type=int, default=100)
    parser.add_argument("--jupyter", help="a Python with jupyter_client and ipykernel")
    options = parser.parse_args()
    with daemon() as served:
        client = served.client("bedrock-agentcore")
        starts(client, 1, 4, "1+1")  # the first fills the pool
        found = starts(client, options.starts, options.pause, "1+1")
        print("start + executeCode(1+1), pool full    ", spread(found))
        found = starts(client, options.starts // 2, options.pause, "import numpy, pandas\n1+1")
        print("the same with import numpy, pandas     ", spread(found))
        found = starts(client, options.starts // 2, 0, "1+1")
        print("one after the other without a pause    ", spread(found))
        time.sleep(4)
        session = Session(client)
        session.run("1+1")
        found = [timed(lambda: session.run("1+1")) for _ in range(500)]
        print("warm executeCode(1+1)                  ", spread(found))
        write, read = files(session)
        print(f"writeFiles, readFiles, 10 times 10 MB    {write:.0f}, {read:.0f} MB/s")
        session.run("import numpy, pandas\nkept = 42")
        answers, results = forks(client, session, options.starts // 2)
        print("fork of a live session, to the answer  ", spread(answers))
        print("fork of a live session, to a result    ", spread(results))
        session.stop()
        before = set(pids_of_agents())
        found, sessions = burst(served, options.burst)
        print(f"{options.burst} sessions at once, first result     ", spread(found))
        idle = private_mb([pid for pid in pids_of_agents() if pid not in before])
        print(f"private memory, numpy and pandas loaded  {idle / options.burst:.1f} MB")
        for session in sessions:
            session.stop()
    plain = [timed(lambda: subprocess.run(["/usr/bin/python3", "-c", "1+1"], check=True))
             for _ in range(options.starts)]
    print("peer: python3 -c 1+1, no sandbox       ", spread(plain))
    if options.jupyter:
        lines = subprocess.run([options.jupyter, "-c", JUPYTER, "5"], check=True, text=True,
                               capture_output=True).stdout.split("\n")
        pairs = [[float(x) for x in line.split()] for line in lines if line]
        print("peer: Jupyter kernel, to first result  ", spread([p[0] for p in pairs]))
        print("peer: Jupyter kernel, warm execution   ", spread([p[1] for p in pairs]))


if __name__ == "__main__":
    main()
