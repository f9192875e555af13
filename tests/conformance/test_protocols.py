"""Agents that speak MCP, A2A and AG-UI: the examples, used by the clients of those protocols."""
import asyncio
import contextlib
import json
import urllib.parse
import uuid

import ag_ui.core
import a2a.client
import a2a.helpers
import a2a.types
import httpx
import httpx2
import mcp
import pydantic
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from mcp.client.streamable_http import streamable_http_client

import agents
import issuer
from daemon import REGION, ROOT

SESSION = "X-Amzn-Bedrock-AgentCore-Runtime-Session-Id"


def example(name):
    return {file.name: file.read_text() for file in (ROOT / "examples" / name).iterdir()}


def speaking(protocol):
    return {"protocolConfiguration": {"serverProtocol": protocol}}


def url_of(runtime):
    arn = urllib.parse.quote(runtime.arn, safe="")
    return f"{runtime.daemon.endpoint}/runtimes/{arn}/invocations"


class Signing:
    """Signs what httpx (a2a) and httpx2 (mcp) send."""
    requires_request_body = True

    def __init__(self, daemon):
        self.credentials = Credentials(daemon.env["AWS_ACCESS_KEY_ID"],
                                       daemon.env["AWS_SECRET_ACCESS_KEY"])

    def headers(self, method, url, body=b""):
        request = AWSRequest(method, url, data=body, headers={})
        SigV4Auth(self.credentials, "bedrock-agentcore", REGION).add_auth(request)
        return dict(request.headers)

    def auth_flow(self, request):
        request.headers.update(self.headers(request.method, str(request.url), request.content))
        yield request


def signing(base, daemon):
    return type("Auth", (Signing, base), {})(daemon)


def post(runtime, body, signed=True, **headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json",
               "Accept": "application/json, text/event-stream", **headers}
    if signed:
        headers |= Signing(runtime.daemon).headers("POST", url_of(runtime), body)
    return requests.post(url_of(runtime), body, headers=headers, timeout=60)


def events_of(text):
    return [json.loads(line.removeprefix("data: "))
            for line in text.splitlines() if line.startswith("data: ")]


# --- MCP

@contextlib.asynccontextmanager
async def mcp_session(runtime, **client):
    client.setdefault("auth", signing(httpx2.Auth, runtime.daemon))
    seen = []

    async def note(response):
        seen.append(response)

    async with (httpx2.AsyncClient(timeout=60, event_hooks={"response": [note]}, **client) as http,
                streamable_http_client(url_of(runtime), http_client=http) as streams,
                mcp.ClientSession(streams[0], streams[1]) as session):
        await session.initialize()
        session.responses = seen
        yield session


async def call(session, tool, **arguments):
    result = await session.call_tool(tool, arguments)
    return result.content[0].text


@pytest.fixture(scope="module")
def counter(install):
    return install(example("mcp"), name="counter", **speaking("MCP"))


@pytest.fixture(scope="module")
def install(daemon):
    """As conftest's, for entry points other than agent.py."""
    def deploy(files, **arguments):
        script = next(name for name in files if name.endswith(".py"))
        code = agents.upload(daemon, agents.zip_of(files))
        code["codeConfiguration"]["entryPoint"] = [script]
        return agents.deploy(daemon, files, agentRuntimeArtifact=code, **arguments)
    return deploy


def test_an_mcp_client_lists_and_calls_tools(counter):
    async def talk():
        async with mcp_session(counter) as session:
            tools = (await session.list_tools()).tools
            sums = [await call(session, "add_numbers", a=1, b=2)]
            counts = [await call(session, "count") for _ in range(3)]
            ids = {r.headers.get("mcp-session-id") for r in session.responses} - {None}
            return {tool.name for tool in tools}, sums, counts, ids
    tools, sums, counts, ids = asyncio.run(talk())
    assert tools == {"add_numbers", "count"}
    assert sums == ["3"]
    assert counts == ["1", "2", "3"]  # one session, one sandbox
    assert len(ids) == 1


def test_each_mcp_session_has_a_sandbox_of_its_own(counter):
    async def count():
        async with mcp_session(counter) as session:
            return await call(session, "count")
    assert [asyncio.run(count()), asyncio.run(count())] == ["1", "1"]


def test_the_mcp_session_id_routes_sdk_calls(counter):
    def count(**session):
        answer = counter.data.invoke_agent_runtime(
            agentRuntimeArn=counter.arn, contentType="application/json",
            accept="application/json, text/event-stream",
            payload=json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                                "params": {"name": "count", "arguments": {}}}), **session)
        [event] = events_of(answer["response"].read().decode())
        return answer["mcpSessionId"], event["result"]["content"][0]["text"]
    first, one = count()
    # The SDK sends a session id of its own with each call; MCP's is what counts.
    assert count(mcpSessionId=first) == (first, "2")
    assert one == "1"
    mine = agents.session_id()
    assert count(runtimeSessionId=mine) == (mine, "1")
    assert count(mcpSessionId=mine) == (mine, "2")


def test_an_mcp_client_with_a_token(install, daemon):
    client = issuer.machine_client(daemon)
    guarded = install(
        example("mcp"), name="guarded_tools", **speaking("MCP"),
        authorizerConfiguration={"customJWTAuthorizer": {
            "discoveryUrl": daemon.endpoint + "/issuer/.well-known/openid-configuration",
            "allowedClients": [client["clientId"]]}})

    async def add(token):
        headers = {"Authorization": f"Bearer {token}"}
        async with mcp_session(guarded, auth=None, headers=headers) as session:
            return await call(session, "add_numbers", a=2, b=3)
    assert asyncio.run(add(issuer.token_of(daemon, client)["access_token"])) == "5"
    refused = post(guarded, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, signed=False,
                   Authorization="Bearer nonsense")
    assert refused.status_code == 401
    assert refused.json()["error"]["code"] == -32001
    assert "resource_metadata=" in refused.headers["WWW-Authenticate"]


def test_a_server_that_keeps_sessions_itself(install):
    files = example("mcp")
    files["server.py"] = files["server.py"].replace("stateless_http=True", "stateless_http=False")
    stateful = install(files, name="stateful_tools", **speaking("MCP"))

    async def counts():
        async with mcp_session(stateful) as session:
            return [await call(session, "count") for _ in range(2)]
    assert asyncio.run(counts()) == ["1", "2"]


def test_mcp_failures_are_json_rpc(counter):
    refused = post(counter, {"jsonrpc": "2.0", "id": "mine", "method": "tools/list"},
                   Accept="text/plain")
    assert (refused.status_code, refused.json()["error"]["code"]) == (406, -32011)
    assert refused.json()["id"] == "mine"
    wrong = post(counter, {"jsonrpc": "2.0", "id": 7, "method": "ping"},
                 **{"Mcp-Session-Id": "../../etc"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (200, -32006)
    assert wrong.json()["id"] == 7
    broken = post(counter, b"{")
    assert (broken.status_code, broken.json()["error"]["code"]) == (200, -32010)


def test_streams_and_ends_of_mcp_are_for_sessions_that_run(counter, puppet):
    def send(runtime, method, **headers):
        headers |= Signing(runtime.daemon).headers(method, url_of(runtime))
        return requests.request(method, url_of(runtime), headers=headers, timeout=60)
    for method in ("GET", "DELETE"):
        assert send(counter, method).status_code == 405
        nobody = {"Mcp-Session-Id": str(uuid.uuid4())}
        assert send(counter, method, **nobody).status_code == 404
        assert send(puppet, method, **nobody).status_code == 405


# --- A2A

@pytest.fixture(scope="module")
def reverser(install):
    return install(example("a2a"), name="reverser", **speaking("A2A"))


async def reversed_by(runtime, text, session, streaming):
    async with httpx.AsyncClient(timeout=60, auth=signing(httpx.Auth, runtime.daemon),
                                 headers={SESSION: session}) as http:
        card = await a2a.client.A2ACardResolver(http, url_of(runtime)).get_agent_card()
        config = a2a.client.ClientConfig(httpx_client=http, streaming=streaming)
        client = a2a.client.ClientFactory(config).create(card)
        message = a2a.helpers.new_text_message(text, role=a2a.types.Role.ROLE_USER)
        request = a2a.types.SendMessageRequest(message=message)
        parts = [a2a.helpers.get_message_text(answer.message)
                 async for answer in client.send_message(request)]
        return card, "".join(parts)


def test_an_a2a_client_finds_the_agent_and_sends_messages(reverser):
    session = agents.session_id()
    card, answer = asyncio.run(reversed_by(reverser, "hello", session, streaming=True))
    assert card.supported_interfaces[0].url == url_of(reverser) + "/"
    assert answer == "olleh (1)"
    _, answer = asyncio.run(reversed_by(reverser, "again", session, streaming=False))
    assert answer == "niaga (2)"


def test_the_sdk_gets_the_agent_card(reverser, puppet):
    session = agents.session_id()
    found = reverser.data.get_agent_card(agentRuntimeArn=reverser.arn, runtimeSessionId=session)
    assert found["agentCard"]["supportedInterfaces"][0]["url"] == url_of(reverser) + "/"
    assert found["runtimeSessionId"] == session
    assert found["statusCode"] == 200
    with pytest.raises(puppet.data.exceptions.ValidationException, match="HTTP"):
        puppet.data.get_agent_card(agentRuntimeArn=puppet.arn)


FAILING = """
import http.server, sys
class Agent(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_error(500)
    do_GET = do_POST
http.server.HTTPServer(("127.0.0.1", PORT), Agent).serve_forever()
"""


def failing(install, protocol, port):
    return install({"agent.py": FAILING.replace("PORT", str(port))}, **speaking(protocol))


def test_a2a_failures_are_json_rpc_with_a_status(install):
    runtime = failing(install, "A2A", 9000)
    request = {"jsonrpc": "2.0", "id": "q-1", "method": "SendMessage"}
    refused = post(runtime, request)
    assert refused.status_code == 424
    assert refused.json()["id"] == "q-1"
    assert refused.json()["error"]["code"] == -32055
    assert "500" in refused.json()["error"]["message"]


# --- AG-UI

EVENTS = pydantic.TypeAdapter(ag_ui.core.Event)


def run_input(text):
    return ag_ui.core.RunAgentInput(
        thread_id="thread", run_id="run", state={}, tools=[], context=[], forwarded_props={},
        messages=[ag_ui.core.UserMessage(id="1", role="user", content=text)])


def test_an_ag_ui_run_is_streamed(install):
    runtime = install(example("ag_ui"), name="speaker", **speaking("AGUI"))
    body = run_input("one two three").model_dump_json(by_alias=True).encode()
    answer = post(runtime, body, Accept="text/event-stream")
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    events = [EVENTS.validate_python(event) for event in events_of(answer.text)]
    assert [event.type.value for event in events] == [
        "RUN_STARTED", "TEXT_MESSAGE_START", *["TEXT_MESSAGE_CONTENT"] * 3, "TEXT_MESSAGE_END",
        "RUN_FINISHED"]
    assert "".join(event.delta for event in events[2:5]) == "one two three "


def test_ag_ui_failures_are_an_event_of_the_run(install):
    runtime = failing(install, "AGUI", 8080)
    answer = post(runtime, run_input("x").model_dump_json(by_alias=True).encode())
    assert answer.status_code == 200
    [event] = events_of(answer.text)
    assert (event["type"], event["code"]) == ("RUN_ERROR", "AGENT_ERROR")
    assert EVENTS.validate_python(event).type.value == "RUN_ERROR"
