"""A daemon of its own for one benchmark: started, given an agent, stopped."""

import contextlib
import io
import json
import re
import subprocess
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / "build/release/bin"
REGION = "us-west-2"
SESSION_HEADER = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"


@dataclass
class Daemon:
    process: subprocess.Popen
    port: int
    credentials: Credentials
    ready_ms: float

    @property
    def pid(self) -> int:
        return self.process.pid

    def client(self, service: str):
        config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
        return boto3.client(service, endpoint_url=f"http://127.0.0.1:{self.port}",
                            region_name=REGION, config=config,
                            aws_access_key_id=self.credentials.access_key,
                            aws_secret_access_key=self.credentials.secret_key)

    def deploy(self, files: dict[str, bytes], entry_point: str, name: str) -> str:
        """Returns the ARN of a runtime that is READY."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as out:
            for path, data in files.items():
                out.writestr(path, data)
        s3 = self.client("s3")
        s3.create_bucket(Bucket=f"bench-{name}",
                         CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_object(Bucket=f"bench-{name}", Key="agent.zip", Body=archive.getvalue())
        control = self.client("bedrock-agentcore-control")
        code = {"code": {"s3": {"bucket": f"bench-{name}", "prefix": "agent.zip"}},
                "runtime": "PYTHON_3_11", "entryPoint": [entry_point]}
        made = control.create_agent_runtime(
            agentRuntimeName=name, agentRuntimeArtifact={"codeConfiguration": code},
            roleArn="arn:aws:iam::000000000000:role/bench",
            networkConfiguration={"networkMode": "PUBLIC"})
        while True:
            seen = control.get_agent_runtime(agentRuntimeId=made["agentRuntimeId"])
            if seen["status"] == "READY":
                return made["agentRuntimeArn"]
            if seen["status"] != "CREATING":
                raise SystemExit(f"{seen['status']}: {seen.get('failureReason')}")
            time.sleep(0.05)

    def signed_invocation(self, arn: str, session: str, body: bytes) -> AWSRequest:
        path = arn.replace(":", "%3A").replace("/", "%2F")
        request = AWSRequest(
            "POST", f"http://127.0.0.1:{self.port}/runtimes/{path}/invocations", data=body,
            headers={"Content-Type": "application/json", SESSION_HEADER: session,
                     "Host": f"127.0.0.1:{self.port}"})
        SigV4Auth(self.credentials, "bedrock-agentcore", REGION).add_auth(request)
        return request

    def raw_invocation(self, arn: str, session: str, body: bytes) -> bytes:
        request = self.signed_invocation(arn, session, body)
        path = request.url.split(str(self.port), 1)[1]
        lines = [f"POST {path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode() + body

    def resident_mb(self) -> float:
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) / 1024


@contextlib.contextmanager
def daemon(cores: str | None = None, threads: int = 0, folder: str | None = None,
           more: str = ""):
    """`folder`: kept between starts by the caller; None: a new one. `more`: configuration."""
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
        config = Path(folder) / "config.yaml"
        config.write_text(f"threads: {threads}\nlog: {{level: warn}}\n{more}", encoding="ascii")
        command = [str(BIN / "agentcored"), "--listen", "127.0.0.1:0", "--data-dir",
                   f"{folder}/data", "--config", str(config)]
        if cores is not None:
            command = ["taskset", "-c", cores, *command]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline()
            ready_ms = (time.perf_counter() - began) * 1000
            if not line:
                raise SystemExit("the daemon did not start")
            key = json.loads(Path(folder, "data/root-access-key.json").read_text("ascii"))
            yield Daemon(process, int(line.rsplit(":", 1)[1]),
                         Credentials(key["accessKeyId"], key["secretAccessKey"]), ready_ms)
        finally:
            process.terminate()
            process.wait(60)
