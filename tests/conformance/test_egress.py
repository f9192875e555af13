"""Agents leave their sandbox through the egress proxy only, as their network mode says."""
import contextlib
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
    if "HTTPS_PROXY" not in os.environ: return "no proxy"
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


VPC = {"networkMode": "VPC", "networkModeConfig": {
    "subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}}


@contextlib.contextmanager
def daemon_with(folder, settings):
    config = folder / "config.yaml"
    config.write_text(settings)
    with served(arguments=["--config", config]) as daemon:
        yield daemon


def ask_of(daemon, **arguments):
    runtime = agents.deploy(daemon, {"agent.py": AGENT}, **arguments)
    session = agents.session_id()
    return lambda do, what: runtime.invoke({"do": do, "with": what}, session)["result"]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, origin):
    settings = (f'egress: {{networks: [127.0.0.0/8], allow: ["{origin}", "*.example:443", '
                '"metadata.example:80"], vpc_networks: [127.0.0.2]}\n')
    with daemon_with(tmp_path_factory.mktemp("egress"), settings) as running:
        yield running


@pytest.fixture(scope="module")
def agent(daemon):
    return ask_of(daemon)


@pytest.fixture(scope="module")
def vpc_agent(daemon):
    return ask_of(daemon, networkConfiguration=VPC)


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


def test_vpc_agents_reach_the_allowed_blocks_only(vpc_agent, origin):
    assert vpc_agent("fetch", f"http://{origin}/") == {"status": 200, "body": "origin saw /"}
    for target in ("127.0.0.3:9", "8.8.8.8:53", "169.254.169.254:80"):
        refused = vpc_agent("fetch", f"http://{target}/")
        assert refused["status"] == 403
        assert "egress.vpc_networks" in refused["body"]


def test_vpc_agents_of_a_daemon_without_blocks_reach_nothing(tmp_path, origin):
    with daemon_with(tmp_path, "egress: {networks: [127.0.0.0/8]}\n") as daemon:
        ask = ask_of(daemon, networkConfiguration=VPC)
        assert ask("connect", origin) == "no proxy"
        assert ask("direct", origin) != "connected"


def test_public_agents_reach_no_loopback_private_or_metadata_address(tmp_path, origin):
    with daemon_with(tmp_path, "") as daemon:
        ask = ask_of(daemon)
        for target in (origin, "10.0.0.1:80", "169.254.169.254:80", "[::1]:80", "localhost:80",
                       "[::ffff:127.0.0.1]:80", "2130706433:80"):
            answer = ask("connect", target)
            assert answer.startswith("HTTP/1.1 403 "), (target, answer)
