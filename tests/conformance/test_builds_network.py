"""What an installer of packages reaches: indexes, and nothing of the machine that it runs on."""
import contextlib
import http.server
import io
import select
import socket
import tarfile
import threading
import urllib.request

import pytest

import agents
from conftest import served

# Runs while the package is built: whatever it tries, it writes down into the package.
SETUP = """
import os, socket
from setuptools import setup

def direct(host, port):
    try:
        socket.create_connection((host, port), 3).close()
        return "open"
    except OSError as error:
        return "closed"

def by_proxy(target):
    host, port = os.environ["HTTPS_PROXY"].rsplit("/", 1)[1].split(":")
    with socket.create_connection((host, int(port)), 3) as proxy:
        end = chr(13) + chr(10)  # setuptools rewrites line ends that are written in this file
        request = f"CONNECT {{target}} HTTP/1.1{{end}}Host: {{target}}{{end}}{{end}}"
        proxy.sendall(request.encode())
        return proxy.recv(100).split()[1].decode()

seen = {{
    "direct": [direct(host, port) for host, port in (
        ("127.0.0.1", {port}), ("169.254.169.254", 80), ("pypi.org", 443), ("10.0.0.1", 80))],
    "proxy": [by_proxy(target) for target in (
        "127.0.0.1:{port}", "localhost:{port}", "169.254.169.254:80", "[::1]:{port}",
        "0.0.0.0:{port}", "pypi.org:80")],
    "index": by_proxy("pypi.org:443"),
    "interfaces": sorted(name for _, name in socket.if_nameindex()),
    "secrets": sorted(name for name in os.environ if name.startswith("AWS_")),
}}
open("probe.py", "w").write(f"SEEN = {{seen!r}}\\n")
setup(name="probe", version="1.0", py_modules=["probe"])
"""
AGENT = """
from serve import serve
import {module} as installed
serve(lambda request: {{"seen": installed.SEEN}})
"""


def sdist(port):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in (("setup.py", SETUP.format(port=port)),
                           ("PKG-INFO", "Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n")):
            entry = tarfile.TarInfo(f"probe-1.0/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def test_a_packages_script_reaches_the_index_and_nothing_of_the_host(daemon, deployed):
    runtime = deployed({
        "agent.py": AGENT.format(module="probe"), "serve.py": agents.SERVE,
        "probe-1.0.tar.gz": sdist(daemon.port), "requirements.txt": "./probe-1.0.tar.gz\n"})
    seen = runtime.invoke({})["seen"]
    assert set(seen["direct"]) == {"closed"}
    assert seen["index"] == "200"
    assert set(seen["proxy"][:5]) == {"403"}
    assert seen["interfaces"] == ["lo"]
    assert seen["secrets"] == []


def wheel(name):
    text = {f"{name}.py": "SEEN = 'from the operator'\n",
            f"{name}-1.0.dist-info/METADATA":
                f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: t\n"
                                           "Root-Is-Purelib: true\nTag: py3-none-any\n"}
    record = "".join(f"{path},,\n" for path in text) + f"{name}-1.0.dist-info/RECORD,,\n"
    return agents.zip_of({**text, f"{name}-1.0.dist-info/RECORD": record})


@contextlib.contextmanager
def index_of(name):
    """A package index on this host's loopback."""
    file, content = f"{name}-1.0-py3-none-any.whl", wheel(name)

    class Index(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            is_file = self.path.endswith(file)
            known = is_file or self.path == f"/simple/{name}/"
            body = content if is_file else f'<a href="/files/{file}">{file}</a>'.encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Type",
                             "application/octet-stream" if is_file else "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_an_index_that_the_operator_names_may_be_on_loopback(installer):
    with index_of("ours") as url:
        environment = dict.fromkeys(("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), url)
        if installer == "pip":
            environment["PATH"] = "/usr/bin:/bin"  # without uv
        with served(environment=environment) as daemon:
            runtime = agents.deploy(daemon, {
                "agent.py": AGENT.format(module="ours"), "serve.py": agents.SERVE,
                "requirements.txt": "ours==1.0\n"})
            assert runtime.invoke({})["seen"] == "from the operator"


class Proxy(http.server.BaseHTTPRequestHandler):
    """A machine's own way out: knows `index.corp`, wants a password."""
    protocol_version = "HTTP/1.1"
    index = ""
    seen = []

    def log_message(self, *_):
        pass

    def authorized(self):
        is_so = self.headers.get("Proxy-Authorization") == "Basic dXNlcjpwQHNz"
        self.seen.append((self.path, is_so))
        return is_so

    def answer(self, status, kind="text/plain", body=b""):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self):
        if not self.authorized():
            return self.answer(407)
        url = self.path.replace("http://index.corp", self.index, 1)
        with urllib.request.urlopen(url) as found:
            self.answer(200, found.headers["Content-Type"], found.read())

    do_HEAD = do_GET

    def do_CONNECT(self):
        if not self.authorized():
            return self.answer(407)
        host, port = self.path.rsplit(":", 1)
        with socket.create_connection((host, int(port)), 20) as far:
            self.wfile.write(b"HTTP/1.1 200 Established\r\n\r\n")
            pair = {self.connection: far, far: self.connection}
            while pair:
                for one in select.select(list(pair), [], [], 30)[0]:
                    data = one.recv(65536)
                    if not data:
                        self.close_connection = True
                        return
                    pair[one].sendall(data)


@contextlib.contextmanager
def proxy_before(index):
    handler = type("Here", (Proxy,), {"index": index, "seen": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://user:p%40ss@127.0.0.1:{server.server_port}", handler.seen
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_installers_go_through_the_machines_proxy_and_have_no_network_for_it(installer):
    with index_of("ours") as url, proxy_before(url.removesuffix("/simple")) as (proxy, seen):
        environment = dict.fromkeys(("PIP_INDEX_URL", "UV_DEFAULT_INDEX"),
                                    "http://index.corp/simple")
        environment |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), proxy)
        environment |= {"PIP_TRUSTED_HOST": "index.corp", "NO_PROXY": "example.org"}
        if installer == "pip":
            environment["PATH"] = "/usr/bin:/bin"
        with served(environment=environment) as daemon:
            runtime = agents.deploy(daemon, {
                "agent.py": AGENT.format(module="ours"), "serve.py": agents.SERVE,
                "requirements.txt": "ours==1.0\n"})
            assert runtime.invoke({})["seen"] == "from the operator"
            assert "p@ss" not in daemon.log_path.read_text()
    assert ("http://index.corp/simple/ours/", True) in seen
    assert all(authorized for _, authorized in seen)


def test_a_script_behind_the_machines_proxy_reaches_nothing_of_the_host():
    with index_of("nothing") as url, proxy_before(url) as (proxy, seen):
        environment = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), proxy)
        with served(environment=environment) as daemon:
            runtime = agents.deploy(daemon, {
                "agent.py": AGENT.format(module="probe"), "serve.py": agents.SERVE,
                "probe-1.0.tar.gz": sdist(daemon.port),
                "requirements.txt": "./probe-1.0.tar.gz\n"})
            found = runtime.invoke({})["seen"]
    assert set(found["direct"]) == {"closed"}
    assert set(found["proxy"][:5]) == {"403"}
    assert found["interfaces"] == ["lo"]
    assert not [target for target, _ in seen if "127.0.0.1" in target or "localhost" in target]
