"""ConverseStream: what the daemon adds to a model that answers at once, and what streaming costs.

The model is native (bench/stub_provider.cpp), so that the figures are ours. Requests are signed
(SigV4) and verified; the provider's JSON events become Bedrock's binary ones.
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import time
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from _daemon import BIN, REGION, daemon

ASK = json.dumps({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}).encode()
PLAIN_BODY = json.dumps({"model": "stub", "stream": True,
                         "messages": [{"role": "user", "content": "Hello"}]}).encode()
PLAIN = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: stub\r\nContent-Type: application/json\r\n"
         b"Content-Length: %d\r\n\r\n%s" % (len(PLAIN_BODY), PLAIN_BODY))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def stub(events: int):
    port = free_port()
    process = subprocess.Popen(["taskset", "-c", "1", str(BIN / "stub_provider"), str(port),
                                str(events)])
    try:
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.01)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def models(port: int) -> str:
    return json.dumps({"models": {
        "providers": {"stub": {"kind": "openai", "url": f"http://127.0.0.1:{port}/v1",
                               "concurrency_max": 1000}},
        "default": "stub/stub"}})[1:-1] + "\n"


def raw_converse(ours) -> bytes:
    path = "/model/stub/converse-stream"
    request = AWSRequest("POST", f"http://127.0.0.1:{ours.port}{path}", data=ASK,
                         headers={"Content-Type": "application/json",
                                  "Host": f"127.0.0.1:{ours.port}"})
    SigV4Auth(ours.credentials, "bedrock", REGION).add_auth(request)
    lines = [f"POST {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    lines += [f"Content-Length: {len(ASK)}", "", ""]
    return "\r\n".join(lines).encode() + ASK


def paced(port: int, request: bytes, rate: int, seconds: int, connections: int = 16) -> dict:
    out = subprocess.run([str(BIN / "paced_client"), "127.0.0.1", str(port), str(rate),
                          str(seconds), str(connections)], input=request, capture_output=True,
                         check=True)
    return json.loads(out.stdout)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def added_latency(rounds: int, seconds: int, rate: int) -> None:
    with stub(events=1) as port, daemon(more=models(port)) as ours:
        rows = []
        for _ in range(rounds):
            plain = paced(port, PLAIN, rate, seconds)
            through = paced(ours.port, raw_converse(ours), rate, seconds)
            if plain["failed"] or through["failed"]:
                raise SystemExit(f"failed answers: {plain} {through}")
            rows.append((plain, through))
        print(f"whole stream of one token at {rate}/s, 16 connections, {rounds} rounds of "
              f"{seconds} s (us)")
        for quantile, target in (("p50_us", 150), ("p99_us", 1000)):
            plain = statistics.median(row[0][quantile] for row in rows)
            through = statistics.median(row[1][quantile] for row in rows)
            added = statistics.median(row[1][quantile] - row[0][quantile] for row in rows)
            print(f"  {quantile:<7} model alone {plain:8.1f}   through the daemon {through:8.1f}"
                  f"   added {added:8.1f} (target {target})")


def streaming(seconds: int, events: int, rate: int) -> None:
    with stub(events) as port, daemon(cores="0", threads=1, more=models(port)) as ours:
        paced(ours.port, raw_converse(ours), 5, 1, 1)
        before = cpu_seconds(ours.pid)
        sent = paced(ours.port, raw_converse(ours), rate, seconds, 4)
        used = cpu_seconds(ours.pid) - before
        total = (sent["sent"] - sent["failed"]) * events
        print(f"streams of {events} tokens: {total / seconds:,.0f} events/s passed on, "
              f"{total / used:,.0f} events per second of one core (target 20,000)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rate", type=int, default=1000)
    options = parser.parse_args()
    added_latency(options.rounds, options.seconds, options.rate)
    streaming(options.seconds, events=1000, rate=60)


if __name__ == "__main__":
    main()
