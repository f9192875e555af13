"""Runtimes whose callers come with a token: plain HTTP and a bearer, as the SDK invokes them."""
import base64
import json
import time
import urllib.parse
import uuid

import jwt
import pytest
import requests
from bedrock_agentcore.runtime import AgentCoreRuntimeClient
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.exceptions import InvalidStatus

import agents
import issuer
from conftest import served
from daemon import REGION
from test_web_socket import AGENT as SOCKETS
from test_web_socket import open_socket

AGENT = {"agent.py": """
from http.server import BaseHTTPRequestHandler, HTTPServer
import json

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer({"status": "Healthy"})
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer({"headers": {k.lower(): v for k, v in self.headers.items()}})
    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

HTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""}


@pytest.fixture(scope="module")
def issuing(tmp_path_factory):
    config = tmp_path_factory.mktemp("jwt") / "config.yaml"
    config.write_text(issuer.CONFIG)
    with served(arguments=["--config", str(config)]) as daemon:
        yield daemon


@pytest.fixture(scope="module")
def client(issuing):
    return issuer.machine_client(issuing, audiences=["https://agent.example"])


def authorizer(daemon, **rules):
    return {"customJWTAuthorizer": {
        "discoveryUrl": daemon.endpoint + "/issuer/.well-known/openid-configuration", **rules}}


@pytest.fixture(scope="module")
def runtime(issuing, client):
    return agents.deploy(
        issuing, AGENT, name="guarded",
        authorizerConfiguration=authorizer(
            issuing, allowedClients=[client["clientId"]], allowedScopes=["read"],
            allowedAudience=["https://agent.example"]),
        requestHeaderConfiguration={"requestHeaderAllowlist": ["Authorization", "X-Mine"]})


def url_of(daemon, runtime):
    arn = urllib.parse.quote(runtime.arn, safe="")
    return f"{daemon.endpoint}/runtimes/{arn}/invocations"


def invoke(daemon, runtime, token=None, **headers):
    """As bedrock_agentcore's and the toolkit's clients do with a bearer token."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return requests.post(
        url_of(daemon, runtime), params={"qualifier": "DEFAULT"}, json={"prompt": "hi"},
        timeout=100,
        headers={"Content-Type": "application/json",
                 "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id": str(uuid.uuid4()) + "-session",
                 **headers})


def test_a_token_invokes_and_reaches_the_agent_when_it_is_let_through(issuing, runtime, client):
    token = issuer.token_of(issuing, client, scope="read")["access_token"]
    answer = invoke(issuing, runtime, token, **{
        "X-Mine": "1", "X-Other": "2", "X-Amzn-Bedrock-AgentCore-Runtime-User-Id": "someone"})
    assert answer.status_code == 200, answer.text
    headers = answer.json()["headers"]
    assert headers["authorization"] == f"Bearer {token}" and headers["x-mine"] == "1"
    assert "x-other" not in headers
    assert "x-amzn-bedrock-agentcore-runtime-user-id" not in headers
    assert answer.headers["X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"]


def test_what_was_configured_is_told(issuing, runtime, client):
    found = runtime.get()["authorizerConfiguration"]["customJWTAuthorizer"]
    assert found["allowedClients"] == [client["clientId"]] and found["allowedScopes"] == ["read"]


@pytest.mark.parametrize("token", [None, "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_without_a_token_the_way_to_one_is_told(issuing, runtime, token):
    answer = invoke(issuing, runtime, token)
    assert answer.status_code == 401
    assert answer.headers["x-amzn-errortype"] == "UnauthorizedException"
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer resource_metadata="')
    metadata = requests.get(challenge.split('"')[1], timeout=60).json()
    assert metadata["resource"] == url_of(issuing, runtime)
    assert metadata["authorization_servers"] == [issuing.endpoint + "/issuer"]
    assert metadata["scopes_supported"] == ["read"]


def test_rules_are_checked(issuing, runtime, client):
    scope = issuer.token_of(issuing, client, scope="write")["access_token"]
    refused = invoke(issuing, runtime, scope)
    assert refused.status_code == 403 and 'error="insufficient_scope"' in refused.headers[
        "WWW-Authenticate"]
    other = issuer.machine_client(issuing, audiences=["https://agent.example"])
    stranger = issuer.token_of(issuing, other, scope="read")["access_token"]
    assert invoke(issuing, runtime, stranger).status_code == 401
    bare = issuer.machine_client(issuing)
    assert invoke(issuing, runtime, issuer.token_of(issuing, bare)["access_token"]
                  ).status_code == 401


@pytest.fixture(scope="module")
def sockets(issuing, client):
    return agents.deploy(
        issuing, {"agent.py": SOCKETS, "requirements.txt": "bedrock-agentcore==1.25.0\n"},
        name="sockets", authorizerConfiguration=authorizer(
            issuing, allowedClients=[client["clientId"]], allowedScopes=["read"]))


def test_web_sockets_take_tokens_as_the_sdk_and_as_browsers_send_them(issuing, sockets, client):
    token = issuer.token_of(issuing, client, scope="read")["access_token"]
    session = agents.session_id()
    url, headers = AgentCoreRuntimeClient(region=REGION).generate_ws_connection_oauth(
        sockets.arn, token, session_id=session, endpoint_name="DEFAULT")
    with open_socket(issuing, url, headers) as ws:
        assert json.loads(ws.recv())["session"] == session
        ws.send("hello")
        assert ws.recv() == "hello"
    encoded = base64.urlsafe_b64encode(token.encode()).rstrip(b"=").decode()
    protocols = ["base64UrlBearerAuthorization." + encoded, "base64UrlBearerAuthorization"]
    named = f"{url}&X-Amzn-Bedrock-AgentCore-Runtime-Session-Id={session}"
    with open_socket(issuing, named, subprotocols=protocols) as ws:
        assert json.loads(ws.recv())["session"] == session
        assert ws.subprotocol == "base64UrlBearerAuthorization"


def test_web_sockets_refuse_what_invocations_refuse(issuing, sockets, client):
    maker = AgentCoreRuntimeClient(region=REGION)
    good = issuer.token_of(issuing, client, scope="read")["access_token"]
    wide = issuer.token_of(issuing, client, scope="write")["access_token"]
    signed = agents.deploy(issuing, AGENT, name="signed_sockets")
    for arn, token, status in ((sockets.arn, good[:-6] + "AAAAAA", 401), (sockets.arn, wide, 403),
                               (signed.arn, good, 403)):
        url, headers = maker.generate_ws_connection_oauth(arn, token)
        with pytest.raises(InvalidStatus) as refused:
            open_socket(issuing, url, headers)
        assert refused.value.response.status_code == status
    with pytest.raises(InvalidStatus) as refused:
        open_socket(issuing, url.replace(signed.id, sockets.id))
    assert refused.value.response.status_code == 401
    assert "resource_metadata" in refused.value.response.headers["WWW-Authenticate"]


def test_forged_tokens_are_refused(issuing, runtime, client):
    good = issuer.token_of(issuing, client, scope="read")["access_token"]
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good)["kid"]
    mine = ec.generate_private_key(ec.SECP256R1())
    forged = [
        jwt.encode(claims, mine, "ES256", headers={"kid": kid}),
        jwt.encode(claims, mine, "ES256", headers={"kid": "../../../../dev/null"}),
        jwt.encode(claims, mine, "ES256", headers={"kid": kid, "jku": issuing.endpoint}),
        jwt.encode(claims, "x" * 32, "HS256", headers={"kid": kid}),
        jwt.encode(claims, None, "none"),
        good[:-4] + "AAAA",
    ]
    for token in forged:
        assert invoke(issuing, runtime, token).status_code == 401, token


def test_signatures_and_tokens_do_not_mix(issuing, runtime, client):
    with pytest.raises(ClientError) as refused:
        runtime.invoke({"prompt": "hi"})
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    assert "Authorization method mismatch" in str(refused.value)
    signed = agents.deploy(issuing, AGENT, name="signed")
    token = issuer.token_of(issuing, client, scope="read")["access_token"]
    answer = invoke(issuing, signed, token)
    assert answer.status_code == 403 and "mismatch" in answer.json()["message"]
    assert "WWW-Authenticate" not in answer.headers
    assert invoke(issuing, signed).status_code == 403


def test_a_token_opens_nothing_else(issuing, client):
    token = issuer.token_of(issuing, client)["access_token"]
    for path in ("/memories/", "/runtimes/", "/x/issuer/clients", "/identities/oauth2/token"):
        answer = requests.post(issuing.endpoint + path, timeout=60, data="{}",
                               headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in (401, 403), path


@pytest.mark.parametrize("change", [
    {"discoveryUrl": "https://x.example/keys"},
    {"discoveryUrl": "http://x.example/.well-known/openid-configuration"},
    {"allowedScopes": ["two words"]},
])
def test_configurations_that_make_no_sense_are_refused(issuing, change):
    rules = {"allowedClients": ["c"], **change}
    configuration = authorizer(issuing, **rules)
    with pytest.raises(ClientError) as refused:
        agents.create(issuing, AGENT, authorizerConfiguration=configuration)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_authorization_is_let_through_with_an_authorizer_only(issuing):
    with pytest.raises(ClientError) as refused:
        agents.create(issuing, AGENT, requestHeaderConfiguration={
            "requestHeaderAllowlist": ["Authorization"]})
    assert "Authorization" in str(refused.value)


@pytest.mark.parametrize("url", [
    "http://127.0.0.1:1/.well-known/openid-configuration",
    "http://169.254.169.254/.well-known/openid-configuration",
    "http://localhost:1/.well-known/openid-configuration",
    "https://127.0.0.1/.well-known/openid-configuration"])
def test_private_addresses_are_not_called(issuing, url):
    configuration = {"customJWTAuthorizer": {"discoveryUrl": url, "allowedClients": ["c"]}}
    try:
        runtime = agents.deploy(issuing, AGENT, authorizerConfiguration=configuration)
    except ClientError as refused:
        assert refused.response["Error"]["Code"] == "ValidationException"
        return
    token = jwt.encode({"iss": url.removesuffix("/.well-known/openid-configuration"),
                        "exp": time.time() + 60}, ec.generate_private_key(ec.SECP256R1()), "ES256")
    answer = invoke(issuing, runtime, token)
    assert answer.status_code >= 500, answer.text
    assert "cannot be fetched" in answer.text, "no word of what was found at that address"
