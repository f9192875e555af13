"""Agents with network mode PUBLIC leave their sandbox through the egress proxy, and only there."""
import http.server
import threading

import pytest

import agents
from conftest import served

AGENT = """
import json, os, socket, urllib.error, urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return {"status": answer.status, "body": answer.read().decode()}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "body": error.read().decode()}

def connect(target):
    proxy = os.environ["HTTPS_PROXY"].removeprefix("http://").split(":")
    with socket.create_connection((proxy[0], int(proxy[1])), timeout=20) as tunnel:
        tunnel.sendall(f"CONNECT {target} HTTP/1.1\\r\\nHost: {target}\\r\\n\\r\\n".encode())
        status = tunnel.recv(4096).split(b"\\r\\n")[0].decode()
        if " 200 " in status:
            tunnel.sendall(b"GET /tunnel HTTP/1.0\\r\\n\\r\\n")
            status += tunnel.makefile("rb").read().decode()
        return status

def direct(target):
    host, port = target.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
        return "connected"
    except OSError as error:
        return type(error).__name__

def resolve(name):
    try:
        return socket.gethostbyname(name)
    except OSError as error:
        return type(error).__name__

class Agent(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({"status": "Healthy"})
    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        action = {"fetch": fetch, "connect": connect, "direct": direct, "resolve": resolve}
        self.answer({"result": action[order["do"]](order["with"])})
    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass

HTTPServer(("127.0.0.1", 8080), Agent).serve_forever()
"""


class Origin(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"origin saw {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def origin():
    """A server of the outside, on an address of loopback that no NO_PROXY names."""
    server = http.server.ThreadingHTTPServer(("127.0.0.2", 0), Origin)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.2:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def agent(tmp_path_factory, origin):
    config = tmp_path_factory.mktemp("egress") / "config.yaml"
    config.write_text(f'egress: {{networks: [127.0.0.0/8], allow: ["{origin}", "*.example:443"]}}\n')
    with served(arguments=["--config", config]) as daemon:
        runtime = agents.deploy(daemon, {"agent.py": AGENT}, name="egress")
        session = agents.session_id()
        yield lambda do, what: runtime.invoke({"do": do, "with": what}, session)["result"]


def test_requests_leave_through_the_proxy(agent, origin):
    assert agent("fetch", f"http://{origin}/a?b") == {"status": 200, "body": "origin saw /a?b"}


def test_tunnels_leave_through_the_proxy(agent, origin):
    answer = agent("connect", origin)
    assert answer.startswith("HTTP/1.1 200 ") and answer.endswith("origin saw /tunnel")


def test_other_hosts_are_refused_and_named(agent):
    refused = agent("fetch", "http://127.0.0.3:9/")
    assert refused["status"] == 403
    assert "egress.allow" in refused["body"]
    assert agent("connect", "169.254.169.254:80").startswith("HTTP/1.1 403 ")


def test_there_is_no_other_way_out(agent, origin):
    assert agent("direct", origin) != "connected"
    assert agent("resolve", "example.com") == "gaierror"
