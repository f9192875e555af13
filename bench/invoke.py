"""InvokeAgentRuntime: what the daemon adds, against nginx as a proxy and against the agent alone.

The agent is native (bench/echo_agent.cpp), so that the figures are ours and not Python's. Requests
are signed (SigV4) and verified. For throughput one nginx worker and a daemon of one loop take turns
on core 0; the agent and wrk are on core 1.
"""

import argparse
import contextlib
import json
import os
import re
import socket
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from _daemon import BIN, daemon

BODY = b'{"prompt": "Hello"}'
PLAIN = (b"POST /invocations HTTP/1.1\r\nHost: agent\r\nContent-Type: application/json\r\n"
         b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY))
NGINX_CONF = """
daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log; {user}
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 100000000;
    client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fcgi;
    uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
    upstream agent {{ server 127.0.0.1:{upstream}; keepalive 128; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://agent; proxy_http_version 1.1;
                      proxy_set_header Connection ""; }}
    }}
}}
"""
WRK_SCRIPT = """
wrk.method = "POST"
wrk.body = [==[{body}]==]
{headers}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise SystemExit(f"nothing listens on port {port}")


@contextlib.contextmanager
def agent_on_host():
    port = free_port()
    process = subprocess.Popen(["taskset", "-c", "1", str(BIN / "echo_agent"), str(port)])
    try:
        wait_until_listening(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def nginx(upstream: int):
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        user = "user root;" if os.geteuid() == 0 else ""
        conf = Path(folder, "nginx.conf")
        conf.write_text(NGINX_CONF.format(dir=folder, port=port, upstream=upstream, user=user))
        process = subprocess.Popen(["taskset", "-c", "0", "/usr/sbin/nginx", "-p", folder, "-c",
                                    str(conf), "-e", f"{folder}/error.log"])
        try:
            wait_until_listening(port)
            yield port, worker_of(process.pid)
        finally:
            process.terminate()
            process.wait(10)


def move_guests_to_core_1() -> None:
    """The guest's program starts where the daemon was put: off its core."""
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/var/task/echo_agent"):
                os.sched_setaffinity(pid, {1})


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Burst:
    rate: float  # requests a second
    per_cpu: float  # requests a second of the proxy's CPU time
    p99: str


def wrk(port: int, pid: int, path: str, headers: dict[str, str], seconds: int) -> Burst:
    lines = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK_SCRIPT.format(body=BODY.decode(), headers=lines))
        script.flush()
        before = cpu_seconds(pid)
        out = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c64", f"-d{seconds}s",
                              "--latency", "-s", script.name, f"http://127.0.0.1:{port}{path}"],
                             capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"wrk saw errors:\n{out}")
    used = cpu_seconds(pid) - before
    return Burst(rate=float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
                 per_cpu=int(re.search(r"(\d+) requests in", out)[1]) / max(used, 0.01),
                 p99=re.search(r"99%\s+(\S+)", out)[1])


def worker_of(master: int) -> int:
    children = Path(f"/proc/{master}/task/{master}/children")
    while not (workers := children.read_text(encoding="ascii").split()):
        time.sleep(0.01)
    return int(workers[0])


def throughput(rounds: int, seconds: int) -> None:
    with agent_on_host() as upstream, nginx(upstream) as proxy, daemon("0", threads=1) as ours:
        arn = ours.deploy({"echo_agent": (BIN / "echo_agent").read_bytes()}, "echo_agent", "echo")
        session = "throughput-" + "x" * 30
        ask(ours.port, ours.raw_invocation(arn, session, BODY))
        move_guests_to_core_1()
        mine, theirs = [], []
        for _ in range(rounds):
            signed = ours.signed_invocation(arn, session, BODY)
            path = signed.url.split(str(ours.port), 1)[1]
            mine.append(wrk(ours.port, ours.pid, path, dict(signed.headers.items()), seconds))
            theirs.append(wrk(proxy[0], proxy[1], "/invocations",
                              {"Content-Type": "application/json"}, seconds))
    median = statistics.median
    print(f"throughput, 64 connections, one core, {rounds} alternating rounds of {seconds} s")
    for name, bursts in (("agentcored", mine), ("nginx", theirs)):
        print(f"  {name:<12}{median(one.rate for one in bursts):>9.0f} req/s"
              f"{median(one.per_cpu for one in bursts):>9.0f} req/CPU-s"
              f"   p99 {' '.join(one.p99 for one in bursts)}")
    pairs = list(zip(mine, theirs))
    print(f"  ratio to nginx proxy_pass {median(a.rate / b.rate for a, b in pairs):.2f}, "
          f"per CPU second {median(a.per_cpu / b.per_cpu for a, b in pairs):.2f} (target 0.6)")


def paced(port: int, request: bytes, rate: int, seconds: int) -> dict:
    out = subprocess.run([str(BIN / "paced_client"), "127.0.0.1", str(port), str(rate),
                          str(seconds), "16"], input=request, capture_output=True, check=True)
    return json.loads(out.stdout)


def added_latency(rounds: int, seconds: int, rate: int) -> None:
    with agent_on_host() as direct, daemon() as ours:
        arn = ours.deploy({"echo_agent": (BIN / "echo_agent").read_bytes()}, "echo_agent", "echo")
        session = "latency-" + "x" * 30
        ask(ours.port, ours.raw_invocation(arn, session, BODY))
        rows = []
        for _ in range(rounds):
            plain = paced(direct, PLAIN, rate, seconds)
            through = paced(ours.port, ours.raw_invocation(arn, session, BODY), rate, seconds)
            if through["failed"] or plain["failed"]:
                raise SystemExit(f"failed answers: {plain} {through}")
            rows.append((plain, through))
        print(f"latency at {rate}/s, 16 connections, {rounds} rounds of {seconds} s (us)")
        for quantile, target in (("p50_us", 80), ("p99_us", 400)):
            plain = statistics.median(row[0][quantile] for row in rows)
            through = statistics.median(row[1][quantile] for row in rows)
            added = statistics.median(row[1][quantile] - row[0][quantile] for row in rows)
            print(f"  {quantile:<7} agent alone {plain:8.1f}   through the daemon {through:8.1f}   "
                  f"added {added:8.1f} (target {target})")


def ask(port: int, request: bytes) -> float:
    """Milliseconds from sending to the first byte of a 200."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        began = time.perf_counter()
        connection.sendall(request)
        head = connection.recv(4096)
        took = (time.perf_counter() - began) * 1000
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"unexpected answer: {head[:300]!r}")
    return took


def quantiles(values: list[float]) -> str:
    ordered = sorted(values)
    return (f"p50 {statistics.median(ordered):.2f} ms, "
            f"p99 {ordered[int(0.99 * (len(ordered) - 1))]:.2f} ms, max {ordered[-1]:.2f} ms")


def spawned_by_hand() -> float:
    """The peer: the same program started, connected to and asked, without any isolation."""
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen([str(BIN / "echo_agent"), str(port)])
    try:
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                ask(port, PLAIN)
                return (time.perf_counter() - began) * 1000
    finally:
        process.terminate()
        process.wait(10)


def new_sessions(count: int) -> None:
    with daemon() as ours:
        arn = ours.deploy({"echo_agent": (BIN / "echo_agent").read_bytes()}, "echo_agent", "echo")
        took = [ask(ours.port, ours.raw_invocation(arn, f"new-session-{i:04}-" + "x" * 24, BODY))
                for i in range(count)]
        by_hand = [spawned_by_hand() for _ in range(min(count, 50))]
    print(f"first byte on a new session, native agent, {count} sessions, one after the other")
    print(f"  agentcored           {quantiles(took)} (target p50 15)")
    print(f"  fork+exec, no box    {quantiles(by_hand)}")


def start_and_size(count: int) -> None:
    first, again, resident = [], [], []
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            with daemon(folder=folder) as ours:
                first.append(ours.ready_ms)
            with daemon(folder=folder) as ours:
                again.append(ours.ready_ms)
                time.sleep(0.5)
                resident.append(ours.resident_mb())
    print(f"daemon, {count} starts of each kind")
    print(f"  start to ready       {quantiles(again)} (target 50)")
    print(f"  first start ever     {quantiles(first)}")
    print(f"  resident when idle   median {statistics.median(resident):.1f} MB (target 40)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", choices=["throughput", "latency", "sessions", "daemon"])
    arguments = parser.parse_args()
    if arguments.only in (None, "daemon"):
        start_and_size(10)
    if arguments.only in (None, "sessions"):
        new_sessions(100)
    if arguments.only in (None, "latency"):
        added_latency(arguments.rounds, arguments.seconds, 3000)
    if arguments.only in (None, "throughput"):
        throughput(arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
