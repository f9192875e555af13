"""WebSockets to agents: signed by the AgentCore SDK, spoken by the websockets package."""
import json
import socket
import urllib.parse

import pytest
import websockets.exceptions
from websockets.sync.client import connect

import agents
from daemon import REGION, eventually

HOST = f"bedrock-agentcore.{REGION}.amazonaws.com"  # what the SDK signs

AGENT = """
import os

from bedrock_agentcore import BedrockAgentCoreApp

app = BedrockAgentCoreApp()

@app.websocket
async def serve(websocket, context):
    await websocket.accept()
    await websocket.send_json({"session": context.session_id, "pid": os.getpid(),
                               "custom": (context.request_headers or {}).get(
                                   "x-amzn-bedrock-agentcore-runtime-custom-colour")})
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "crash":
            raise RuntimeError("as asked")
        if message.get("text") == "bye":
            await websocket.close(4321, "so long")
            return
        if message.get("text") == "flood":
            await websocket.send_bytes(bytes(70_000))
        elif message.get("bytes") is not None:
            await websocket.send_bytes(message["bytes"])
        else:
            await websocket.send_text(message["text"])

@app.entrypoint
def invoke(payload, context):
    return {"session": context.session_id, "pid": os.getpid()}

if __name__ == "__main__":
    app.run()
"""


FILES = {"agent.py": AGENT, "requirements.txt": "bedrock-agentcore==1.25.0\n"}


@pytest.fixture(scope="module")
def agent(deployed):
    return deployed(FILES, name="sockets")


@pytest.fixture(scope="module")
def signer(daemon):
    return signer_of(daemon)


def signer_of(daemon):
    """AgentCoreRuntimeClient with this daemon's root key."""
    import boto3
    from bedrock_agentcore.runtime import AgentCoreRuntimeClient
    session = boto3.session.Session(daemon.env["AWS_ACCESS_KEY_ID"],
                                    daemon.env["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
    return AgentCoreRuntimeClient(region=REGION, session=session)


SET_BY_CLIENT = {"host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version",
                 "user-agent"}


def open_socket(daemon, url, headers=None, **arguments):
    """The URL names AWS's host; the connection goes to the daemon."""
    headers = {name: value for name, value in (headers or {}).items()
               if name.lower() not in SET_BY_CLIENT}
    return connect(url.replace("wss://", "ws://"), additional_headers=headers, max_size=None,
                   sock=socket.create_connection(("127.0.0.1", daemon.port)), **arguments)


def signed(daemon, signer, agent, session=None, **arguments):
    url, headers = signer.generate_ws_connection(agent.arn, session_id=session)
    return open_socket(daemon, url, headers, **arguments)


def test_messages_go_both_ways_and_share_the_session_of_invocations(daemon, signer, agent):
    session = agents.session_id()
    with signed(daemon, signer, agent, session) as ws:
        hello = json.loads(ws.recv())
        assert hello["session"] == session
        for text in ("hello", "", "안녕하세요", "x" * 60_000):
            ws.send(text)
            assert ws.recv() == text
        ws.send(b"\x00\xff" * 30_000)
        assert ws.recv() == b"\x00\xff" * 30_000
        answer = agent.invoke({"n": 1}, session)
        assert (answer["session"], answer["pid"]) == (session, hello["pid"])


def test_fragments_and_pings_pass(daemon, signer, agent):
    with signed(daemon, signer, agent) as ws:
        ws.recv()
        ws.send(iter(["one ", "two ", "three"]))
        assert ws.recv() == "one two three"
        assert ws.ping().wait(10)


def test_a_presigned_url_needs_no_headers(daemon, signer, agent):
    session = agents.session_id()
    url = signer.generate_presigned_url(
        agent.arn, session_id=session,
        custom_headers={"X-Amzn-Bedrock-AgentCore-Runtime-Custom-Colour": "blue"})
    with open_socket(daemon, url) as ws:
        assert json.loads(ws.recv())["custom"] == "blue"


def test_the_agents_close_code_reaches_the_caller(daemon, signer, agent):
    with signed(daemon, signer, agent) as ws:
        ws.recv()
        ws.send("bye")
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            ws.recv()
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4321, "so long")


def test_a_handler_that_throws_closes_with_1011(daemon, signer, agent):
    with signed(daemon, signer, agent) as ws:
        ws.recv()
        ws.send("crash")
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            ws.recv()
        assert closed.value.rcvd.code == 1011


def test_a_frame_over_the_limit_closes_with_1009(daemon, signer, agent):
    with signed(daemon, signer, agent, compression=None) as ws:
        ws.recv()
        ws.send(bytes(70_000))
        with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
            ws.recv()
        assert closed.value.rcvd.code == 1009
    with signed(daemon, signer, agent, compression=None) as ws:
        ws.recv()
        ws.send("flood")
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            ws.recv()


def test_a_session_ends_its_sockets(daemon, signer, agent):
    session = agents.session_id()
    with signed(daemon, signer, agent, session) as ws:
        ws.recv()
        agent.stop(session)
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            ws.recv(timeout=20)


def refusal(daemon, url, headers):
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        open_socket(daemon, url, headers)
    return refused.value.response.status_code


def test_bad_signatures_and_unknown_runtimes_are_refused(daemon, signer, agent):
    url, headers = signer.generate_ws_connection(agent.arn)
    assert refusal(daemon, url, {}) == 403
    assert refusal(daemon, url + "?qualifier=other", headers) == 403
    url, headers = signer.generate_ws_connection(agent.arn + "x")
    assert refusal(daemon, url, headers) == 404
    url, headers = signer.generate_ws_connection(agent.arn, endpoint_name="none")
    assert refusal(daemon, url, headers) == 404


def test_without_an_upgrade_it_is_a_client_error(daemon, signer, agent):
    import requests
    url, headers = signer.generate_ws_connection(agent.arn)
    path = urllib.parse.urlsplit(url).path
    plain = {name: value for name, value in headers.items()
             if name.lower() not in SET_BY_CLIENT - {"host"}}
    plain["Host"] = HOST
    answer = requests.get(f"{daemon.endpoint}{path}", headers=plain, timeout=20)
    assert answer.status_code == 400
    assert "Upgrade" in answer.json()["message"]


def test_sockets_leave_nothing_behind(fresh_daemon):
    daemon, signer = fresh_daemon, signer_of(fresh_daemon)
    agent = agents.deploy(daemon, FILES)
    before = daemon.open_files()
    session = agents.session_id()
    for _ in range(20):
        ws = signed(daemon, signer, agent, session)
        ws.recv()
        ws.socket.close()  # without a closing handshake
    agent.stop(session)
    agent.delete()  # and what waited for further sessions
    assert eventually(lambda: daemon.open_files() <= before + 4, 20), daemon.open_files()
