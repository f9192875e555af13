"""HTTP layer against nginx: a small GET on one core, keep-alive, 64 connections.

Both servers are pinned to core 0 and wrk to core 1; short rounds alternate, so that whatever else
the machine does hits both. Medians over the rounds are printed, and of the ratios of each round's
pair. Requests per second of the server's CPU time tell most where the machine is not idle.
"""

import argparse
import contextlib
import os
import re
import socket
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "build/release/bin/bench_http"
SERVER_CORE, CLIENT_CORE = "0", "1"
RATIO_MIN, P99_MS_MAX = 0.9, 1.0

NGINX_CONF = """
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ default_type text/plain; return 200 "ok"; }}
    }}
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise SystemExit(f"nothing listens on port {port}")


def worker_of(master: int) -> int:
    children = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()
    return int(children[0])


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Burst:
    rate: float  # requests a second
    p50: float  # milliseconds
    p99: float
    per_cpu: float  # requests a second of the server's CPU time


@contextlib.contextmanager
def running(command: list[str], **options):
    process = subprocess.Popen(["taskset", "-c", SERVER_CORE, *command], **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def ours():
    with running([str(SERVER)], stdout=subprocess.PIPE, text=True) as process:
        yield int(process.stdout.readline()), process.pid


@contextlib.contextmanager
def nginx():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        # Started as root, nginx gives its worker away to "nobody" unless told otherwise.
        user = "user root;" if os.geteuid() == 0 else ""
        conf = Path(folder) / "nginx.conf"
        conf.write_text(NGINX_CONF.format(dir=folder, port=port, user=user))
        command = ["/usr/sbin/nginx", "-p", folder, "-c", str(conf), "-e", f"{folder}/error.log"]
        with running(command) as process:
            wait_until_listening(port)
            yield port, worker_of(process.pid)


def milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def burst(server: tuple[int, int], connections: int, seconds: int) -> Burst:
    port, pid = server
    command = ["taskset", "-c", CLIENT_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
               "--latency", f"http://127.0.0.1:{port}/"]
    before = cpu_seconds(pid)
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(pid) - before
    if "Non-2xx" in out or "Socket errors" in out:
        raise SystemExit(f"wrk saw errors:\n{out}")
    requests = int(re.search(r"(\d+) requests in", out)[1])
    return Burst(
        rate=float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),
        p50=milliseconds(re.search(r"\s50%\s+(\S+)", out)[1]),
        p99=milliseconds(re.search(r"\s99%\s+(\S+)", out)[1]),
        per_cpu=requests / max(used, 0.01),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--nice", type=int, default=0,
                        help="priority of servers and wrk; below 0 needs root")
    arguments = parser.parse_args()
    os.nice(arguments.nice)

    with ours() as our_server, nginx() as nginx_server:
        servers = {"agentcored net": our_server, "nginx return 200": nginx_server}
        results = {name: [] for name in servers}
        for server in servers.values():
            burst(server, arguments.connections, 1)
        for _ in range(arguments.rounds):
            for name, server in servers.items():
                results[name].append(burst(server, arguments.connections, arguments.seconds))

    median = statistics.median
    print(f"GET, 2 bytes, keep-alive, {arguments.connections} connections, one core, "
          f"{arguments.rounds} alternating rounds of {arguments.seconds} s")
    print(f"{'server':<18}{'req/s':>9}{'min':>9}{'max':>9}{'req/CPU-s':>11}"
          f"{'p50 ms':>9}{'p99 ms':>9}")
    for name, rounds in results.items():
        rates = [one.rate for one in rounds]
        print(f"{name:<18}{median(rates):>9.0f}{min(rates):>9.0f}{max(rates):>9.0f}"
              f"{median(one.per_cpu for one in rounds):>11.0f}"
              f"{median(one.p50 for one in rounds):>9.2f}{median(one.p99 for one in rounds):>9.2f}")
    pairs = list(zip(results["agentcored net"], results["nginx return 200"]))
    ratio = median(mine.rate / theirs.rate for mine, theirs in pairs)
    per_cpu = median(mine.per_cpu / theirs.per_cpu for mine, theirs in pairs)
    p99 = median(mine.p99 for mine, _ in pairs)
    verdict = "reached" if ratio >= RATIO_MIN and p99 <= P99_MS_MAX else "MISSED"
    print(f"ratio to nginx {ratio:.2f} (per CPU second {per_cpu:.2f}; target {RATIO_MIN}), "
          f"p99 {p99:.2f} ms (target {P99_MS_MAX}): {verdict}")


if __name__ == "__main__":
    main()
