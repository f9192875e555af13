"""`agentcore dev`: an agent as a process of this host, started again when its files change."""
import contextlib
import json
import queue
import signal
import socket
import subprocess
import threading
import urllib.request

import pytest

from daemon import ROOT, descendants, eventually, is_alive, program

VENV = ROOT / "build/venv"
EVENT_SECONDS_MAX = 60

HTTP_AGENT = """
import os
from bedrock_agentcore import BedrockAgentCoreApp

app = BedrockAgentCoreApp()
WORD = "first"

@app.entrypoint
def invoke(payload, context):
    if payload.get("model"):
        import boto3
        answer = boto3.client("bedrock-runtime").converse(modelId="any", messages=[
            {"role": "user", "content": [{"text": payload["model"]}]}])
        return answer["output"]["message"]["content"][0]["text"]
    if payload.get("stream"):
        return (part for part in ("one", "two"))
    return {"word": WORD, "said": payload.get("prompt"), "session": context.session_id,
            "environment": {name: os.environ.get(name) for name in (
                "LOCAL_DEV", "PORT", "COLOUR", "AWS_ENDPOINT_URL")}}

if __name__ == "__main__":
    app.run()
"""


MCP_SERVER = """
from mcp.server.mcpserver import MCPServer

server = MCPServer("dev")

@server.tool()
def add(a: int, b: int) -> int:
    return a + b

if __name__ == "__main__":
    server.run(transport="streamable-http", stateless_http=True)
"""


class DevServer:
    """A running `agentcore dev --json` and what it says."""

    def __init__(self, project, *arguments):
        self.process = subprocess.Popen(
            [program("agentcore"), "dev", "--json", *arguments], cwd=project.folder,
            env=project.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL, text=True)
        self.events = queue.Queue()
        self.errors = []
        self.readers = [threading.Thread(target=self._read_events, daemon=True),
                        threading.Thread(target=self._read_errors, daemon=True)]
        for reader in self.readers:
            reader.start()

    def _read_events(self):
        for line in self.process.stdout:
            with contextlib.suppress(ValueError):
                document = json.loads(line)
                if isinstance(document, dict) and "event" in document:
                    self.events.put(document)

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line)

    def wait_for(self, event):
        while True:
            try:
                found = self.events.get(timeout=EVENT_SECONDS_MAX)
            except queue.Empty:
                raise AssertionError(f"no {event}: " + "".join(self.errors)) from None
            if found["event"] == event:
                return found

    def end(self, how=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(20)
        for reader in self.readers:
            reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


class Project:
    def __init__(self, folder, daemon, files, protocol="HTTP"):
        folder.mkdir()
        self.folder = folder
        self.environment = {**daemon.command_environment(), "VIRTUAL_ENV": str(VENV)}
        self.environment.pop("PORT", None)
        for name, content in files.items():
            (folder / name).write_text(content)
        script = next(name for name in files if not name.endswith((".txt", ".json")))
        self.run("configure", "-e", script, "-n", "dev_agent", "-p", protocol, "-ni")

    def run(self, *arguments, code=0):
        done = subprocess.run([program("agentcore"), *arguments], cwd=self.folder, text=True,
                              env=self.environment, capture_output=True, timeout=120,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == code, done.stderr + done.stdout
        return done

    def invoke(self, payload, *arguments):
        return json.loads(self.run("invoke", "--dev", payload, *arguments).stdout)

    @contextlib.contextmanager
    def dev(self, *arguments):
        server = DevServer(self, "--port", str(free_port()), *arguments)
        try:
            yield server
            assert server.end() == 0, "".join(server.errors)
        finally:
            server.end(signal.SIGKILL)


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@pytest.fixture
def project(daemon, tmp_path):
    def make(files, **settings):
        return Project(tmp_path / "project", daemon, files, **settings)
    return make


def test_a_change_is_served_and_an_error_waits_for_the_next_change(project):
    made = project({"agent.py": HTTP_AGENT})
    with made.dev("--env", "COLOUR=green") as server:
        port = server.wait_for("ready")["port"]
        answer = made.invoke("hello")
        assert (answer["word"], answer["said"]) == ("first", "hello")
        assert answer["environment"] == {
            "LOCAL_DEV": "1", "PORT": str(port), "COLOUR": "green",
            "AWS_ENDPOINT_URL": made.environment["AGENTCORE_ENDPOINT"]}
        assert answer["session"] == made.invoke("again")["session"]
        assert len(answer["session"]) >= 33
        assert made.invoke("x", "-s", "of-my-own")["session"] == "of-my-own"
        assert made.run("invoke", "--dev", '{"stream": true}').stdout == "onetwo\n"
        (made.folder / "agent.py").write_text(HTTP_AGENT.replace("first", "second"))
        assert server.wait_for("changed")["file"] == "agent.py"
        server.wait_for("ready")
        assert made.invoke("hello")["word"] == "second"
        (made.folder / "agent.py").write_text("this is no Python\n")
        assert server.wait_for("ended")["exitCode"] == 1
        assert "SyntaxError" in "".join(server.errors)
        made.run("invoke", "--dev", "hello", code=3)
        (made.folder / "agent.py").write_text(HTTP_AGENT.replace("first", "third"))
        server.wait_for("ready")
        assert made.invoke("hello")["word"] == "third"
    made.run("invoke", "--dev", "hello", code=3)


def test_models_are_the_daemons(project):
    made = project({"agent.py": HTTP_AGENT})
    with made.dev() as server:
        server.wait_for("ready")
        assert made.run("invoke", "--dev", '{"model": "Hello"}').stdout.strip()


def test_a_file_that_only_defines_app_is_served(project):
    without_run = HTTP_AGENT.replace('if __name__ == "__main__":\n    app.run()', "")
    made = project({"agent.py": without_run})
    with made.dev() as server:
        server.wait_for("ready")
        assert made.invoke("hello")["word"] == "first"


def test_a_file_that_serves_nothing_says_so(project):
    made = project({"agent.py": "print('done')\n"})
    with made.dev() as server:
        assert server.wait_for("ended")["exitCode"] == 1
        assert "ended without serving" in "".join(server.errors)


def example(name):
    return {file.name: file.read_text() for file in (ROOT / "examples" / name).iterdir()
            if file.is_file()}


def test_an_mcp_server_is_called(project):
    made = project({"server.py": MCP_SERVER}, protocol="MCP")
    with made.dev() as server:
        url = server.wait_for("ready")["url"]
        initialize = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"}}}
        said = made.run("invoke", "--dev", json.dumps(initialize)).stdout
        assert "serverInfo" in said
        assert url.startswith("http://127.0.0.1:")


def test_an_a2a_agent_is_called(project):
    made = project(example("a2a"), protocol="A2A")
    with made.dev() as server:
        url = server.wait_for("ready")["url"]
        with urllib.request.urlopen(url + "/.well-known/agent-card.json", timeout=20) as card:
            assert json.load(card)["name"]


def test_an_agui_agent_is_called(project):
    made = project(example("ag_ui"), protocol="AGUI")
    with made.dev() as server:
        server.wait_for("ready")
        run_input = {"threadId": "t", "runId": "r", "state": {}, "tools": [], "context": [],
                     "forwardedProps": {},
                     "messages": [{"id": "1", "role": "user", "content": "hello"}]}
        assert "RUN_FINISHED" in made.run("invoke", "--dev", json.dumps(run_input)).stdout


def test_a_taken_port_is_passed_over(project):
    made = project({"agent.py": HTTP_AGENT})
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = DevServer(made, "--port", str(port))
        try:
            server.wait_for("port")
            assert server.wait_for("ready")["port"] > port
            assert made.invoke("hello")["word"] == "first"
        finally:
            assert server.end() == 0


def test_a_node_agent_listens_on_port(project):
    made = project({"agent.mjs": """
import http from 'node:http';
http.createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ dev: process.env.LOCAL_DEV }));
  });
}).listen(Number(process.env.PORT), '127.0.0.1');
"""})
    with made.dev() as server:
        server.wait_for("ready")
        assert made.invoke("hello") == {"dev": "1"}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_it_ends(project, how):
    made = project({"agent.py": HTTP_AGENT})
    server = DevServer(made, "--port", str(free_port()))
    server.wait_for("ready")
    below = descendants(server.process.pid)
    assert below
    server.end(how)
    assert eventually(lambda: not any(is_alive(pid) for pid in below))


def test_without_a_project_it_says_what_to_do(daemon, tmp_path):
    done = subprocess.run([program("agentcore"), "dev"], cwd=tmp_path, text=True,
                          env=daemon.command_environment(), capture_output=True, timeout=60)
    assert done.returncode == 4 and "agentcore configure" in done.stderr
