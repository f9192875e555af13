"""Client-credentials grants of the development issuer over HTTP, ES256, beside RS256.

The daemon has one loop on core 0, wrk is on core 1; 64 connections are kept alive. Grants per
second of the daemon's CPU time tell what one core does where the machine is not idle.
"""

import argparse
import base64
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import _daemon
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
import requests

ES256_MIN = 5000

SCRIPT = """
wrk.method = "POST"
wrk.body = "grant_type=client_credentials&scope=read"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
wrk.headers["Authorization"] = "Basic {credentials}"
"""


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def add_client(daemon: _daemon.Daemon) -> dict:
    request = AWSRequest("POST", f"http://127.0.0.1:{daemon.port}/x/issuer/clients",
                         data=json.dumps({"name": "bench", "grants": ["client_credentials"],
                                          "scopes": ["read"]}),
                         headers={"Content-Type": "application/json"})
    SigV4Auth(daemon.credentials, "bedrock-agentcore", _daemon.REGION).add_auth(request)
    answer = requests.post(request.url, data=request.data, headers=dict(request.headers),
                           timeout=30)
    answer.raise_for_status()
    return answer.json()


def grants_per_second(daemon: _daemon.Daemon, client: dict, seconds: int) -> tuple[float, float]:
    pair = f"{client['clientId']}:{client['clientSecret']}".encode()
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT.format(credentials=base64.b64encode(pair).decode()))
        script.flush()
        first = requests.post(f"http://127.0.0.1:{daemon.port}/issuer/oauth2/token", timeout=60,
                              data={"grant_type": "client_credentials", "scope": "read"},
                              auth=(client["clientId"], client["clientSecret"]))
        first.raise_for_status()  # and the signing key is made
        before = cpu_seconds(daemon.pid)
        done = subprocess.run(
            ["taskset", "-c", "1", "wrk", "-t1", "-c64", f"-d{seconds}s", "-s", script.name,
             f"http://127.0.0.1:{daemon.port}/issuer/oauth2/token"],
            capture_output=True, text=True, check=True)
        used = cpu_seconds(daemon.pid) - before
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"grants failed:\n{done.stdout}")
    requests_made = int(re.search(r"(\d+) requests in", done.stdout)[1])
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1]), requests_made / used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5)
    seconds = parser.parse_args().seconds
    print(f"{'algorithm':<10} {'grants/s':>10} {'grants/s a core':>16}   must reach")
    for algorithm, least in (("ES256", ES256_MIN), ("RS256", None)):
        settings = f"issuer: {{enabled: true, algorithm: {algorithm}}}\n"
        with _daemon.daemon(cores="0", threads=1, more=settings) as daemon:
            client = add_client(daemon)
            rate, a_core = grants_per_second(daemon, client, seconds)
            print(f"{algorithm:<10} {rate:>10.0f} {a_core:>16.0f}   {least or ''}")


if __name__ == "__main__":
    main()
