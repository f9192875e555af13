"""Sessions of the code interpreter for its benchmark: through boto3, and through a client that
costs next to nothing, for where many sessions or many bytes are measured and not Python."""

import json
import os
import re
import selectors
import socket
import time
from http.client import HTTPResponse
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

SYSTEM = "aws.codeinterpreter.v1"
JSON = {"Content-Type": "application/json"}


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


def signed(served, method: str, path: str, body: bytes, headers: dict) -> bytes:
    """A request as it goes over the wire."""
    host = f"127.0.0.1:{served.port}"
    request = AWSRequest(method, f"http://{host}{path}", headers, body)
    SigV4Auth(served.credentials, "bedrock-agentcore", "us-west-2").add_auth(request)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}",
             *(f"{name}: {value}" for name, value in request.headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def start_request(served) -> bytes:
    return signed(served, "PUT", f"/code-interpreters/{SYSTEM}/sessions/start", b"{}", dict(JSON))


def tool_request(served, session_id: str, tool: str, **arguments) -> bytes:
    body = json.dumps({"name": tool, "arguments": arguments}).encode()
    return signed(served, "POST", f"/code-interpreters/{SYSTEM}/tools/invoke", body,
                  {**JSON, "x-amzn-code-interpreter-session-id": session_id})


def exchange(served, request: bytes, end: bytes = b"0\r\n\r\n") -> int:
    """Sends, and reads until `end` has come; how many bytes that were."""
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(request)
        buffer, size, tail = bytearray(1 << 20), 0, b""
        while True:
            got = connection.recv_into(buffer)
            assert got, tail
            size += got
            tail = (tail + bytes(buffer[max(0, got - 300):got]))[-300:]
            if tail.endswith(end):
                assert b'"isError":true' not in tail, tail
                return size


def start_and_run(served, code: str) -> str:
    """The id of a session that was started and has answered, by the client that costs nothing."""
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(start_request(served))
        text = b""
        while (match := re.search(rb'"sessionId":"(\w+)"', text)) is None:
            got = connection.recv(1 << 16)
            assert got, text
            text += got
        session_id = match.group(1).decode()
    exchange(served, tool_request(served, session_id, "executeCode", code=code, language="python"))
    return session_id


def fork(served, session, count: int = 1) -> list:
    """Sessions that go on from this one: an operation of ours, so no client has it."""
    path = f"/x/code-interpreters/{SYSTEM}/sessions/{session.id}/fork"
    body = json.dumps({"count": count}).encode()
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(signed(served, "POST", path, body, dict(JSON)))
        with HTTPResponse(connection, method="POST") as answer:
            answer.begin()
            text = answer.read()
    assert answer.status == 200, text
    return json.loads(text)["sessions"]


def at_once(served, count: int, code: str) -> tuple:
    """`count` sessions started in one moment: milliseconds to each one's result, and their ids."""
    waiting = selectors.DefaultSelector()
    found, ids = [], []
    request = start_request(served)
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", served.port))
        waiting.register(connection, selectors.EVENT_READ, [b"", None])
    begin = time.monotonic()
    for key in list(waiting.get_map().values()):
        key.fileobj.sendall(request)
    while len(found) < count:
        for key, _ in waiting.select(60):
            key.data[0] += key.fileobj.recv(1 << 16)
            text, session_id = key.data
            if session_id is None and (match := re.search(rb'"sessionId":"(\w+)"', text)):
                key.data[:] = b"", match.group(1).decode()
                ids.append(key.data[1])
                key.fileobj.sendall(tool_request(served, key.data[1], "executeCode", code=code,
                                                 language="python"))
            elif session_id and b'"isError"' in text:
                assert b'"isError":false' in text, text
                found.append((time.monotonic() - begin) * 1000)
                waiting.unregister(key.fileobj)
                key.fileobj.close()
            assert b"HTTP/1.1 200" in text or len(text) < 16 or key.data[0] == b"", text
    return found, ids


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


def guest_pids(daemon_pid: int) -> list:
    """Of all processes that run in guests: below the daemon, in a pid namespace of their own."""
    parents, own = {}, os.readlink(f"/proc/{daemon_pid}/ns/pid")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text("ascii").rsplit(")", 1)[1]
                parents[int(entry.name)] = int(stat.split()[1])
            except OSError:
                continue
    found = []
    for pid in parents:
        above = pid
        while above and above != daemon_pid:
            above = parents.get(above, 0)
        try:
            if above and os.readlink(f"/proc/{pid}/ns/pid") != own:
                found.append(pid)
        except OSError:
            continue
    return found
