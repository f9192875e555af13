"""Network modes of code interpreters: nothing, what the operator allows, the operator's blocks."""
import contextlib
import http.server
import threading

import pytest
from botocore.exceptions import ClientError

from conftest import served
from test_code_interpreter_boto3 import SYSTEM, Session, text

VPC = {"networkMode": "VPC", "vpcConfig": {
    "subnets": ["subnet-0123456789abcdef0"], "securityGroups": ["sg-0123456789abcdef0"]}}


class Origin(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"origin saw {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def serving(address):
    server = http.server.ThreadingHTTPServer((address, 0), Origin)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"{address}:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def origin():
    """The outside, on an address of loopback that no NO_PROXY names."""
    with serving("127.0.0.2") as address:
        yield address


@pytest.fixture(scope="module")
def other():
    """Another server of the outside, that nobody is allowed to reach."""
    with serving("127.0.0.3") as address:
        yield address


@pytest.fixture(scope="module")
def daemon(tmp_path_factory, origin):
    config = tmp_path_factory.mktemp("network") / "config.yaml"
    config.write_text(f'egress: {{networks: [127.0.0.0/8], allow: ["{origin}"], '
                      'vpc_networks: [127.0.0.2]}\n')
    with served(arguments=["--config", config]) as running:
        yield running


def create(daemon, name, network):
    made = daemon.client("bedrock-agentcore-control").create_code_interpreter(
        name=name, networkConfiguration=network)
    return made["codeInterpreterId"]


@contextlib.contextmanager
def session_with(daemon, name, network):
    made = Session(daemon, create(daemon, name, network))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def public(daemon):
    with session_with(daemon, "open_one", {"networkMode": "PUBLIC"}) as made:
        yield made


def fetch(url):
    return (f"import requests\ntry: print(requests.get('{url}', timeout=20).text)\n"
            "except Exception as e: print(type(e).__name__, e)")


def test_requests_goes_through_the_proxy(public, origin, other):
    assert text(public.run(fetch(f"http://{origin}/a"))) == "origin saw /a"
    refused = text(public.run(fetch(f"http://{other}/a")))
    assert "origin" not in refused and "allow" in refused
    assert "origin" not in text(public.run(fetch("http://169.254.169.254/latest/meta-data")))


def test_node_fetches_through_the_proxy(public, origin, other):
    code = "console.log(await (await fetch('http://%s/js')).text())"
    for language in ("javascript", "typescript"):
        assert text(public.run(code % origin, language)) == "origin saw /js"
    refused = public.run(code % other, "javascript")
    assert refused["isError"] is True and "origin saw" not in text(refused)
    # What the code starts itself finds the same way.
    script = code % origin
    command = f"node -e \"(async () => {{ {script} }})()\""
    assert text(public.call("executeCommand", command=command)) == "origin saw /js"


def test_nothing_goes_beside_the_proxy(public, origin):
    host, port = origin.split(":")
    code = (f"import socket\nsocket.setdefaulttimeout(3)\nfor a in (('{host}', {port}), "
            "('1.1.1.1', 53)):\n    try: socket.create_connection(a); print('CONNECTED')\n"
            "    except OSError as e: print('refused')\n"
            "try: print('RESOLVED', socket.gethostbyname('example.com'))\n"
            "except OSError: pass")
    assert text(public.run(code)) == "refused\nrefused"


def test_a_sandboxed_session_has_no_way_out(daemon, origin):
    with session_with(daemon, "closed_one", {"networkMode": "SANDBOX"}) as session:
        assert "ConnectionError" in text(session.run(fetch(f"http://{origin}/")))
        assert session.run("import os; [k for k in os.environ if 'PROXY' in k.upper()]")[
            "structuredContent"]["stdout"] == "[]"
    system = Session(daemon, SYSTEM)
    assert "ConnectionError" in text(system.run(fetch(f"http://{origin}/")))
    system.stop()


def test_a_vpc_is_the_operators_blocks(daemon, origin, other):
    with session_with(daemon, "vpc_one", VPC) as session:
        assert text(session.run(fetch(f"http://{origin}/v"))) == "origin saw /v"
        assert "origin saw" not in text(session.run(fetch(f"http://{other}/v")))
        view = daemon.client("bedrock-agentcore-control").get_code_interpreter(
            codeInterpreterId=session.interpreter)
        assert view["networkConfiguration"] == VPC
    with pytest.raises(ClientError) as caught:
        create(daemon, "vpc_without", {"networkMode": "VPC"})
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert "vpcConfig" in caught.value.response["Error"]["Message"]


def test_what_is_not_built_is_refused_by_name(daemon):
    control = daemon.client("bedrock-agentcore-control")
    secret = "arn:aws:secretsmanager:us-west-2:000000000000:secret:ca-AbCdEf"
    access_point = ("arn:aws:s3files:us-west-2:000000000000:file-system/fs-0123456789abcdef0/"
                    "access-point/fsap-0123456789abcdef0")
    for name, value in (
            ("certificates", [{"location": {"secretsManager": {"secretArn": secret}}}]),
            ("filesystemConfigurations", [{"s3FilesConfiguration": {
                "accessPointArn": access_point, "mountPath": "/mnt/data",
                "fileSystemArn": access_point.rsplit("/access-point", 1)[0]}}])):
        with pytest.raises(ClientError) as caught:
            control.create_code_interpreter(
                name="refused", networkConfiguration={"networkMode": "SANDBOX"}, **{name: value})
        assert name in caught.value.response["Error"]["Message"]
