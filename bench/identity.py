"""Identity under load: GetResourceApiKey (signature, token, two AES-GCM openings, durable audit
entry) and durable writes to the vault (UpdateApiKeyCredentialProvider) by 64 clients.

wrk sends requests that were signed beforehand. Server and client share the machine, so requests
per second of the server's own processor time are printed beside the throughput: that is what
dedicated cores would give. OpenBao's published figures: 27 385 reads/s, 140 writes/s.
"""

import argparse
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from _daemon import REGION, daemon

CLIENTS = 64
READS_MIN, READ_P99_MS_MAX, WRITES_MIN = 30_000, 2.0, 5_000

SCRIPT = """
local requests = {{}}
{requests}
local at = 0
request = function()
  at = at + 1
  if at > #requests then at = 1 end
  return requests[at]
end
response = function(status) if status ~= 200 then failed = (failed or 0) + 1 end end
"""


def lua_text(text: bytes) -> str:
    return '"' + "".join(f"\\{byte:03}" for byte in text) + '"'


def signed(served, path: str, body: dict) -> bytes:
    data = json.dumps(body).encode()
    request = AWSRequest("POST", f"http://127.0.0.1:{served.port}{path}", data=data,
                         headers={"Content-Type": "application/json",
                                  "Host": f"127.0.0.1:{served.port}"})
    SigV4Auth(served.credentials, "bedrock-agentcore", REGION).add_auth(request)
    lines = [f"POST {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(data)}", "", ""]).encode() + data


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(served, requests: list[bytes], seconds: int) -> dict:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT.format(
            requests="\n".join(f"requests[#requests+1] = {lua_text(r)}" for r in requests)))
        script.flush()
        before, began = cpu_seconds(served.pid), time.monotonic()
        out = subprocess.run(
            ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--latency", "-s", script.name,
             f"http://127.0.0.1:{served.port}"], capture_output=True, text=True, check=True).stdout
        used, took = cpu_seconds(served.pid) - before, time.monotonic() - began
    if "Non-2xx" in out:
        raise SystemExit("requests failed:\n" + out)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    p99, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    return {"rate": rate, "p99_ms": float(p99) * {"us": 0.001, "ms": 1, "s": 1000}[unit],
            "cores": used / took, "per_core": rate * took / used if used else 0}


def row(name: str, found: dict) -> None:
    print(f"| {name} | {found['rate']:,.0f}/s | {found['p99_ms']:.2f} ms | {found['cores']:.2f} | "
          f"{found['per_core']:,.0f}/s |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=8)
    seconds = parser.parse_args().seconds
    with daemon() as served:
        control = served.client("bedrock-agentcore-control")
        data = served.client("bedrock-agentcore")
        control.create_workload_identity(name="bench")
        for i in range(CLIENTS):
            control.create_api_key_credential_provider(name=f"key{i}", apiKey="x" * 64)
        token = data.get_workload_access_token(workloadName="bench")["workloadAccessToken"]
        reads = [signed(served, "/identities/api-key", {
            "workloadIdentityToken": token, "resourceCredentialProviderName": f"key{i}"})
            for i in range(CLIENTS)]
        writes = [signed(served, "/identities/UpdateApiKeyCredentialProvider", {
            "name": f"key{i}", "apiKey": "y" * 64}) for i in range(CLIENTS)]
        print("| what | throughput | p99 | cores used by the daemon | a core of the daemon |")
        print("|---|---|---|---|---|")
        read = measure(served, reads, seconds)
        row("GetResourceApiKey", read)
        write = measure(served, writes, seconds)
        row("durable vault writes, 64 clients", write)
    print(f"must reach: {READS_MIN}/s on two cores, p99 {READ_P99_MS_MAX} ms; "
          f"{WRITES_MIN} writes/s")


if __name__ == "__main__":
    main()
