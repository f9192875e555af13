"""What an installer of packages reaches: indexes, and nothing of the machine that it runs on."""
import contextlib
import http.server
import io
import tarfile
import threading

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
