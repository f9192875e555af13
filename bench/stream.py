"""What streams through InvokeAgentRuntime: server-sent events and WebSocket messages.

The agent is native (bench/stream_agent.cpp) and stamps each message; the client takes the time from
stamp to arrival. The peer is the agent alone, in the same run. A daemon of one loop is on core 0,
agent and client are on core 1.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from _daemon import BIN, REGION, SESSION_HEADER, daemon
from invoke import cpu_seconds, free_port, wait_until_listening

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455, whose answer the agent knows
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": KEY}


@contextlib.contextmanager
def agent_on_host():
    port = free_port()
    process = subprocess.Popen(["taskset", "-c", "1", str(BIN / "stream_agent"), str(port)])
    try:
        wait_until_listening(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def move_guests_to_core_1() -> None:
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/var/task/stream_agent"):
                os.sched_setaffinity(pid, {1})


def client(mode: str, port: int, request: bytes, *more: object) -> dict:
    command = ["taskset", "-c", "1", str(BIN / "stream_client"), mode, "127.0.0.1", str(port),
               *map(str, more)]
    out = subprocess.run(command, input=request, capture_output=True, check=False)
    if out.returncode != 0:
        raise SystemExit(f"stream_client: {out.stderr.decode()}")
    seen = json.loads(out.stdout)
    if seen["failed"]:
        raise SystemExit(f"failed: {seen}")
    return seen


def plain_invocation(body: bytes) -> bytes:
    return (b"POST /invocations HTTP/1.1\r\nHost: agent\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def plain_handshake() -> bytes:
    lines = ["GET /ws HTTP/1.1", "Host: agent", *(f"{k}: {v}" for k, v in UPGRADE.items()), "", ""]
    return "\r\n".join(lines).encode()


def signed_handshake(ours, arn: str, session: str) -> bytes:
    path = f"/runtimes/{arn.replace(':', '%3A').replace('/', '%2F')}/ws"
    host = f"127.0.0.1:{ours.port}"
    request = AWSRequest("GET", f"http://{host}{path}",
                         headers={SESSION_HEADER: session, "Host": host})
    SigV4Auth(ours.credentials, "bedrock-agentcore", REGION).add_auth(request)
    headers = {**dict(request.headers.items()), **UPGRADE}
    lines = [f"GET {path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def measured(ours, request, run) -> tuple[dict, float]:
    """What the client saw, and the daemon's CPU seconds for it."""
    before = cpu_seconds(ours.pid)
    seen = run(request())
    return seen, max(cpu_seconds(ours.pid) - before, 0.01)


def paced_events(ours, arn: str, direct: int, rounds: int, streams: int, rate: int,
                 seconds: int) -> None:
    """Many streams at the speed of models, each event in a packet of its own."""
    body = json.dumps({"events": rate * seconds // streams, "rate": rate // streams},
                      separators=(",", ":")).encode()
    rows = []
    for _ in range(rounds):
        alone = client("events", direct, plain_invocation(body), streams)
        through, cpu = measured(
            ours, lambda: ours.raw_invocation(arn, "paced-" + "x" * 33, body),
            lambda request: client("events", ours.port, request, streams))
        rows.append((alone, through, through["count"] / cpu))
    print(f"events, {streams} streams, {rate}/s offered, one packet each, {rounds} rounds")
    for quantile in ("p50_us", "p99_us"):
        alone = statistics.median(row[0][quantile] for row in rows)
        through = statistics.median(row[1][quantile] for row in rows)
        added = statistics.median(row[1][quantile] - row[0][quantile] for row in rows)
        target = " (target 1000)" if quantile == "p99_us" else ""
        print(f"  {quantile:<7} agent alone {alone:8.1f}   through the daemon {through:8.1f}   "
              f"added {added:8.1f}{target}")
    got = statistics.median(row[1]["count"] / row[1]["seconds"] for row in rows)
    print(f"  passed on {got:.0f}/s, {statistics.median(row[2] for row in rows):.0f} a CPU second")


def fast_events(ours, arn: str, direct: int, rounds: int, streams: int, events: int) -> None:
    """As fast as the agent writes, many events in a packet."""
    body = json.dumps({"events": events, "rate": 0}, separators=(",", ":")).encode()
    rows = []
    for _ in range(rounds):
        alone = client("events", direct, plain_invocation(body), streams)
        through, cpu = measured(
            ours, lambda: ours.raw_invocation(arn, "fast-" + "x" * 33, body),
            lambda request: client("events", ours.port, request, streams))
        rows.append((alone["count"] / alone["seconds"], through["count"] / through["seconds"],
                     through["count"] / cpu))
    alone, through, per_cpu = (statistics.median(column) for column in zip(*rows))
    print(f"events, {streams} streams without a pause, {rounds} rounds")
    print(f"  agent alone {alone:.0f}/s   through the daemon {through:.0f}/s   "
          f"{per_cpu:.0f} a CPU second (target 100000 a core)")


def echoes(ours, arn: str, direct: int, rounds: int, rate: int, seconds: int) -> None:
    rows = []
    for _ in range(rounds):
        alone = client("echo", direct, plain_handshake(), 16, rate, seconds)
        through = client("echo", ours.port, signed_handshake(ours, arn, "echo-" + "x" * 33), 16,
                         rate, seconds)
        rows.append((alone, through))
    print(f"WebSocket echo, 16 connections, {rate}/s, {rounds} rounds of {seconds} s (us)")
    for quantile in ("p50_us", "p99_us"):
        alone = statistics.median(row[0][quantile] for row in rows)
        through = statistics.median(row[1][quantile] for row in rows)
        added = statistics.median(row[1][quantile] - row[0][quantile] for row in rows)
        target = " (target 100)" if quantile == "p50_us" else ""
        print(f"  {quantile:<7} agent alone {alone:8.1f}   through the daemon {through:8.1f}   "
              f"added {added:8.1f}{target}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--rate", type=int, default=20000,
                        help="paced events a second, all streams")
    parser.add_argument("--only", choices=["paced", "fast", "echo"])
    arguments = parser.parse_args()
    with agent_on_host() as direct, daemon("0", threads=1) as ours:
        arn = ours.deploy({"stream_agent": (BIN / "stream_agent").read_bytes()}, "stream_agent",
                          "stream")
        for session in ("paced-", "fast-", "echo-"):
            client("events", ours.port,
                   ours.raw_invocation(arn, session + "x" * 33, b'{"events":1,"rate":0}'), 1)
        move_guests_to_core_1()
        if arguments.only in (None, "paced"):
            paced_events(ours, arn, direct, arguments.rounds, arguments.streams, arguments.rate,
                         arguments.seconds)
        if arguments.only in (None, "fast"):
            fast_events(ours, arn, direct, arguments.rounds, 16, 50000)
        if arguments.only in (None, "echo"):
            echoes(ours, arn, direct, arguments.rounds, 3000, arguments.seconds)


if __name__ == "__main__":
    main()
