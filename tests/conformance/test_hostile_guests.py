"""Agents that speak broken or endless HTTP: bounded, named in the error, and nobody else's
answer."""
import contextlib
import json
import time

import pytest
from botocore.exceptions import ClientError, HTTPClientError
from urllib3.exceptions import HTTPError

import agents
from conftest import served
from daemon import eventually

# Sends what it is told, byte for byte, and tells afterwards what became of it.
AGENT = r'''
import json, socket, threading, time

told = []

def send(connection, order):
    sent = 0
    time.sleep(order.get("after", 0))
    try:
        for piece in order["send"]:
            connection.sendall(piece.encode("latin-1"))
            time.sleep(order.get("pause", 0))
        again = order.get("again", "").encode("latin-1")
        while again:
            connection.sendall(again)
            sent += len(again)
        return "sent", sent
    except OSError as error:
        return type(error).__name__, sent

def serve(connection):
    reader = connection.makefile("rb")
    while True:
        head, line = b"", None
        while line not in (b"\r\n", b""):
            line = reader.readline()
            head += line
        if not line: return
        length = [int(l.split(b":")[1]) for l in head.split(b"\r\n")
                  if l.lower().startswith(b"content-length:")]
        order = json.loads(reader.read(length[0]) if length else b"{}")
        if "send" in order:
            told.append([order["name"], *send(connection, order)])
            if order.get("keep"): continue
            with __import__("contextlib").suppress(OSError): connection.shutdown(socket.SHUT_RDWR)
            return connection.close()
        body = json.dumps(told).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                           b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

listener = socket.create_server(("127.0.0.1", 8080), backlog=64)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
'''
OK = "HTTP/1.1 200 OK\r\n"
JSON = OK + "Content-Type: application/json\r\n"
CHUNKED = JSON + "Transfer-Encoding: chunked\r\n\r\n"
BROKEN = (HTTPClientError, HTTPError, OSError)


@pytest.fixture(scope="module")
def daemon():
    """One of its own: what is counted is what these agents cost."""
    with served() as running:
        yield running


@pytest.fixture(scope="module")
def hostile(daemon):
    """Before and after all of it the daemon is the same."""
    runtime = agents.deploy(daemon, {"agent.py": AGENT}, name="hostile_guest")
    files, memory = daemon.open_files(), daemon.memory_bytes()
    yield runtime
    runtime.delete()  # its sessions end
    assert eventually(lambda: daemon.open_files() <= files + 4, 20), daemon.open_files()
    assert daemon.memory_bytes() < memory + (64 << 20)


def order(*pieces, **more):
    return {"name": "order", "send": list(pieces), **more}


def told(hostile, session):
    return hostile.invoke({}, session)


@pytest.mark.parametrize("given, said", [
    (order(OK, again="X-Filler: " + "x" * 1000 + "\r\n"), "too long"),
    (order(OK + "X-Line: ", again="x" * 1000), "too long"),
    (order("HTTP/1.1 ", again="2" * 1000), ""),
    (order(again="\r\n" * 500), ""),
    (order(again="HTTP/1.1 100 Continue\r\n\r\n"), ""),
    (order("HTTP/1.1 two hundred\r\n\r\n"), "not valid HTTP"),
    (order("SSH-2.0-OpenSSH_9.2\r\n"), "broke off"),
    (order(JSON + "Content-Length: -1\r\n\r\n"), "not valid HTTP"),
    (order(JSON + "Content-Length: 99999999999999999999999\r\n\r\n"), "not valid HTTP"),
    (order(JSON + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), "not valid HTTP"),
    (order(JSON + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"), "not valid HTTP"),
    (order(JSON + "Transfer-Encoding: gzip, nonsense\r\n\r\nabc"), "not valid HTTP"),
    (order(JSON + "X-Bad Name: x\r\n\r\n"), "not valid HTTP"),
    (order(JSON + "X-Zero: a\0b\r\n\r\n"), "not valid HTTP"),
    (order("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx"), ""),
    (order(), ""),
], ids=["headers", "header", "status-line", "empty-lines", "interims", "status", "other-protocol",
        "negative", "overflow", "two-lengths", "length-and-chunks", "coding", "name", "zero",
        "switches", "nothing"])
def test_a_head_that_is_none_is_the_agents_error(hostile, given, said):
    begun, session = time.monotonic(), agents.session_id()
    with pytest.raises(hostile.data.exceptions.RuntimeClientError) as refused:
        hostile.invoke(given, session)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert said in refused.value.response["Error"]["Message"]
    assert time.monotonic() - begun < 10
    # What it went on sending was not taken for long, and the session goes on.
    # Who says nothing at all on a kept connection is asked once more (docs/design/0006-runtime.md).
    heard = eventually(lambda: told(hostile, session), 10)
    silent = not given["send"] and "again" not in given
    assert len(heard) == 1 or (silent and len(heard) == 2), heard
    assert all(sent < 8 << 20 for _, _, sent in heard)


def broken_body(hostile, given, session):
    """What came of a body before it was seen to be broken: an error before or in the middle."""
    try:
        response = hostile.open(given, session)
    except hostile.data.exceptions.RuntimeClientError:
        return b""
    text = b""
    with pytest.raises(BROKEN):
        while piece := response["response"].read(1024):
            text += piece
    return text


@pytest.mark.parametrize("given", [
    order(CHUNKED + "zz\r\nabc\r\n0\r\n\r\n"),
    order(CHUNKED + "-3\r\nabc\r\n0\r\n\r\n"),
    order(CHUNKED + "0x3\r\nabc\r\n0\r\n\r\n"),
    order(CHUNKED + "ffffffffffffffffff\r\nabc"),
    order(CHUNKED + "3\r\nabcXX0\r\n\r\n"),
    order(CHUNKED + "3;" + "x" * 100_000),
    order(CHUNKED + "3\r\nabc\r\n0\r\n", again="X-Trailer: x\r\n"),
    order(CHUNKED + "3\r\nabc\r\n"),
    order(CHUNKED + "5\r\nab"),
    order(JSON + "Content-Length: 10\r\n\r\nabc"),
], ids=["nonsense", "negative", "prefix", "overflow", "no-end-of-line", "extension", "trailers",
        "no-last-chunk", "half-a-chunk", "half-a-body"])
def test_a_body_that_breaks_off_is_seen_to(hostile, given):
    session = agents.session_id()
    assert broken_body(hostile, given, session) in (b"", b"abc", b"ab")
    assert eventually(lambda: told(hostile, session), 10)[0][0] == "order"


def test_events_without_end_cost_their_reader_only(hostile, daemon):
    session = agents.session_id()
    before = daemon.memory_bytes()
    for again in ("data: {}\n\n", "x" * 4096):  # events, and one line that never ends
        response = hostile.open(order(
            OK + "Content-Type: text/event-stream\r\n\r\n", again=again), session)
        got = 0
        while got < 4 << 20:
            got += len(response["response"].read(65536))
        time.sleep(0.5)  # nobody reads: the agent waits, and nothing is piled up
        assert daemon.memory_bytes() < before + (48 << 20)
        response["response"].close()
    # Who left is not sent to: the agent's writes fail.
    assert eventually(lambda: len(told(hostile, session)) == 2, 10)
    assert all(outcome != "sent" for _, outcome, _ in told(hostile, session))


def test_an_answer_after_its_caller_left_is_nobodys(hostile, daemon):
    session = agents.session_id()
    late = JSON + "Content-Length: 6\r\n\r\n\"late\""
    patience = daemon.client("bedrock-agentcore", read_timeout=0.5)
    with contextlib.suppress(*BROKEN):
        patience.invoke_agent_runtime(
            agentRuntimeArn=hostile.arn, runtimeSessionId=session, contentType="application/json",
            payload=json.dumps(order(late, after=1.5, keep=True)))
    for _ in range(20):
        assert hostile.invoke({}, session) in ([], [["order", "sent", 0]],
                                               [["order", "BrokenPipeError", 0]],
                                               [["order", "ConnectionResetError", 0]])
        time.sleep(0.1)


def test_bytes_after_an_answer_are_not_the_next_one(hostile):
    session = agents.session_id()
    forged = JSON + "Content-Length: 8\r\n\r\n\"forged\""
    said = hostile.invoke(order(JSON + "Content-Length: 4\r\n\r\ntrue" + forged, keep=True),
                          session)
    assert said is True
    for _ in range(5):
        assert eventually(lambda: told(hostile, session), 10)[0][0] == "order"


def test_one_byte_at_a_time_is_an_answer(hostile):
    answer = JSON + "Content-Length: 4\r\n\r\ntrue"
    assert hostile.invoke(order(*answer, pause=0.002)) is True


def test_a_header_that_would_split_the_answer_does_not(hostile):
    """Line ends inside a value are the end of the line to whoever reads it."""
    session = agents.session_id()
    answer = JSON + "X-Tone: a\rSet-Cookie: b\r\nContent-Length: 4\r\n\r\ntrue"
    with contextlib.suppress(ClientError):
        response = hostile.open(order(answer), session)
        headers = response["ResponseMetadata"]["HTTPHeaders"]
        assert "set-cookie" not in headers
