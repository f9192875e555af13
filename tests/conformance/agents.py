"""Agents that tests deploy, and the way from their files to a runtime that answers."""
import contextlib
import io
import itertools
import json
import time
import uuid
import zipfile

from daemon import ROOT

ROLE = "arn:aws:iam::000000000000:role/agent"
BUCKET = "agent-code"
DEPLOY_SECONDS_MAX = 120

_names = itertools.count(1)


def unbuilt_operation():
    """An operation of the control plane without required input that nothing implements yet."""
    unbuilt = (ROOT / "src/wire/not_implemented.txt").read_text().split("\n")
    candidates = ["ListGateways", "ListBrowsers", "ListCodeInterpreters", "ListPolicyEngines"]
    return next((name for name in candidates if name in unbuilt), None)


def zip_of(files):
    """files: {path: text or bytes}."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


def session_id():
    return f"session-{uuid.uuid4()}"


class Runtime:
    """A deployed agent."""

    def __init__(self, daemon, created):
        self.daemon = daemon
        self.id = created["agentRuntimeId"]
        self.arn = created["agentRuntimeArn"]
        self.control = daemon.client("bedrock-agentcore-control")
        self.data = daemon.client("bedrock-agentcore")

    def get(self, **arguments):
        return self.control.get_agent_runtime(agentRuntimeId=self.id, **arguments)

    def wait(self):
        end = time.monotonic() + DEPLOY_SECONDS_MAX
        while (found := self.get())["status"] in ("CREATING", "UPDATING"):
            assert time.monotonic() < end, f"{self.id} is still {found['status']}"
            time.sleep(0.05)
        return found

    def open(self, payload, session=None, **arguments):
        """InvokeAgentRuntime; the response, its body not read yet."""
        if isinstance(payload, dict):
            payload = json.dumps(payload)
            arguments.setdefault("contentType", "application/json")
        return self.data.invoke_agent_runtime(
            agentRuntimeArn=self.arn, runtimeSessionId=session or session_id(), payload=payload,
            **arguments)

    def invoke(self, payload, session=None, **arguments):
        """The answer, parsed when it is JSON."""
        response = self.open(payload, session, **arguments)
        body = response["response"].read()
        return json.loads(body) if response["contentType"] == "application/json" else body

    def stop(self, session):
        self.data.stop_runtime_session(agentRuntimeArn=self.arn, runtimeSessionId=session)

    def delete(self):
        self.control.delete_agent_runtime(agentRuntimeId=self.id)


def next_event(response):
    """The next SSE event of an open response, not a byte more is read."""
    text = b""
    while not text.endswith(b"\n\n"):
        byte = response["response"].read(1)
        assert byte, f"the stream ended after {text!r}"
        text += byte
    return json.loads(text.removeprefix(b"data: "))


def upload(daemon, body, key=None, **settings):
    s3 = daemon.client("s3")
    with contextlib.suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    key = key or f"{uuid.uuid4()}/code.zip"
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    return artifact(key, **settings)


def artifact(key, entry_point=("agent.py",), runtime="PYTHON_3_11"):
    return {"codeConfiguration": {
        "code": {"s3": {"bucket": BUCKET, "prefix": key}},
        "runtime": runtime, "entryPoint": list(entry_point)}}


def create(daemon, files, name=None, entry_point=("agent.py",), runtime="PYTHON_3_11", **arguments):
    """CreateAgentRuntime, not waited for. files: a dict, or the bytes of an archive."""
    body = files if isinstance(files, bytes) else zip_of(files)
    arguments.setdefault("agentRuntimeArtifact",
                         upload(daemon, body, entry_point=entry_point, runtime=runtime))
    arguments.setdefault("networkConfiguration", {"networkMode": "PUBLIC"})
    arguments.setdefault("roleArn", ROLE)
    created = daemon.client("bedrock-agentcore-control").create_agent_runtime(
        agentRuntimeName=name or f"agent_{next(_names)}", **arguments)
    return Runtime(daemon, created)


def deploy(daemon, files, name=None, **arguments):
    """The same, waited for; READY."""
    runtime = create(daemon, files, name, **arguments)
    found = runtime.wait()
    assert found["status"] == "READY", found.get("failureReason")
    return runtime


# A server of the agent contract with nothing but the standard library: starts in milliseconds and
# needs no package index. An agent is a function answer(request) beside it.
SERVE = '''
import http.server, json, sys, threading

class Request:
    def __init__(self, handler):
        self.handler = handler
        self.headers = {k.lower(): v for k, v in handler.headers.items()}
        self.session = self.headers.get("x-amzn-bedrock-agentcore-runtime-session-id")
        self.length = int(self.headers.get("content-length") or -1)
        self.stream = self.pieces_of_body()

    def pieces(self):
        return self.stream

    def pieces_of_body(self, size=65536):
        source, left = self.handler.rfile, self.length
        while left > 0:
            piece = source.read(min(size, left))
            if not piece: return
            left -= len(piece)
            yield piece
        while left < 0:  # chunked
            count = int(source.readline().split(b";")[0], 16)
            piece = source.read(count)
            source.readline()
            if not count: return
            yield piece

    def read(self):
        return b"".join(self.stream)

def serve(answer):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *_): pass

        def respond(self, status, kind, body, headers={}):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            for name, value in headers.items(): self.send_header(name, value)
            if isinstance(body, bytes):
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                return
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in body:
                self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(piece), piece))
                self.wfile.flush()
            self.wfile.write(b"0\\r\\n\\r\\n")

        def do_GET(self):
            self.respond(200, "application/json", b'{"status": "Healthy"}')

        def do_POST(self):
            request = Request(self)
            result = answer(request)
            if isinstance(result, dict):
                result = (200, "application/json", json.dumps(result).encode())
            self.respond(*result)
            for _ in request.stream: pass  # the next request begins after this one's body

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128
    Server(("127.0.0.1", 8080), Handler).serve_forever()
'''

# Does what the payload says: {"do": NAME, ...}; or, with another content type, echoes the bytes.
PUPPET = '''
import json, os, pathlib, subprocess, sys, threading, time
from serve import serve

gates = {}
remembered = {}

def gate(name):
    return gates.setdefault(name, threading.Event())

def sse(*items):
    for item in items: yield b"data: " + json.dumps(item).encode() + b"\\n\\n"

def tokens(order):
    yield from sse("first")
    for number in range(order["count"]):
        gate(number).wait(60)
        yield from sse(f"token {number}")

def flood():
    line = "x" * 1023 + "\\n"
    while True: sys.stdout.write(line)

def fork_bomb():
    refused = 0
    while refused < 200:
        try:
            if os.fork() == 0:
                while True: time.sleep(60)
        except OSError:
            refused += 1
    return {"refused": refused}

def fill_disk(path):
    written = 0
    try:
        with open(path, "wb") as file:
            while True:
                file.write(b"\\0" * (1 << 20)); file.flush()
                written += 1 << 20
    except OSError as error:
        return {"errno": error.errno, "written": written}

def answer(request):
    kind = request.headers.get("content-type", "")
    if not kind.startswith("application/json"):
        return 200, kind or "application/octet-stream", request.pieces()
    order = json.loads(request.read())
    do = order["do"]
    if do == "echo": return {"echo": order, "session": request.session}
    if do == "headers": return {"headers": request.headers}
    if do == "environment": return {"environment": dict(os.environ)}
    if do == "tokens": return 200, "text/event-stream", tokens(order)
    if do == "open": gate(order["gate"]).set(); return {}
    if do == "send":
        return 200, "application/octet-stream", (b"x" * 65536 for _ in range(order["chunks"]))
    if do == "count": return {"bytes": sum(map(len, request.pieces()))}
    if do == "fail": return order["status"], "application/json", json.dumps(order["body"]).encode()
    if do == "say": print(order["text"], flush=True); return {}
    if do == "remember": remembered.update(order["values"]); return {}
    if do == "recall": return {"values": remembered}
    if do == "write": pathlib.Path(order["path"]).write_text(order["text"]); return {}
    if do == "read":
        path = pathlib.Path(order["path"])
        return {"text": path.read_text() if path.exists() else None}
    if do == "look":
        return {"pid": os.getpid(), "uid": os.getuid(), "cwd": os.getcwd(),
                "processes": [p for p in os.listdir("/proc") if p.isdigit()],
                "start": pathlib.Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19],
                "namespaces": {n: os.readlink(f"/proc/self/ns/{n}")
                               for n in ("pid", "mnt", "net", "ipc", "uts", "user")}}
    if do == "crash": os.abort()
    if do == "exit": os._exit(order["code"])
    if do == "hang": time.sleep(3600)
    if do == "flood": threading.Thread(target=flood, daemon=True).start(); return {}
    if do == "fork_bomb": return fork_bomb()
    if do == "fill": return fill_disk(order["path"])
    if do == "allocate":
        blocks = []
        while True: blocks.append(bytearray(os.urandom(1 << 20) * 64))
    raise ValueError(do)

serve(answer)
'''

PUPPET_FILES = {"agent.py": PUPPET, "serve.py": SERVE}

# As the guide writes agents; needs the package index.
APP = '''
from bedrock_agentcore import BedrockAgentCoreApp

app = BedrockAgentCoreApp()

@app.entrypoint
def invoke(payload, context):
    if payload.get("fail"): raise RuntimeError(payload["fail"])
    return {"message": f"You said: {payload['prompt']}", "session": context.session_id}

app.run()
'''
APP_FILES = {"agent.py": APP, "requirements.txt": "bedrock-agentcore==1.25.0\n"}

# Says who it is, as A2A agents do, and nothing else.
CARD = {"name": "card", "description": "A card", "version": "1", "url": "http://localhost:9000/"}
CARD_FILES = {"agent.py": f"""
import http.server
class Agent(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {json.dumps(CARD)!r}.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", 9000), Agent).serve_forever()
"""}
