"""Clients that break the rules of HTTP, or of decency, cost nobody else anything."""
import contextlib
import os
import random
import socket
import struct
import threading
import time

import pytest

from conftest import served
from daemon import eventually

PATIENT_SECONDS = 40  # more than the daemon's own deadline for a request's head
OTHERS_SECONDS_MAX = 1.0  # what another client's small request may take meanwhile


@pytest.fixture(scope="module")
def victim():
    with served() as daemon:
        for _ in range(100):  # each event loop makes what it needs when it is first used
            exchange(daemon, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        yield daemon


@pytest.fixture
def unharmed(victim):
    """During the test a good client is served in time; after it no descriptor is left over."""
    before = victim.open_files()
    slowest, failures, done = [0.0], [], threading.Event()

    def good_client():
        while not done.wait(0.02):
            began = time.monotonic()
            try:
                with connection(victim) as good:
                    good.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    assert read_all(good).startswith(b"HTTP/1.1 200")
            except Exception as error:
                failures.append(repr(error))
            slowest[0] = max(slowest[0], time.monotonic() - began)

    other = threading.Thread(target=good_client)
    other.start()
    try:
        yield victim
    finally:
        done.set()
        other.join()
    assert victim.running(), victim.log_tail()
    assert not failures, failures[:3]
    assert slowest[0] < OTHERS_SECONDS_MAX, f"another client waited {slowest[0]:.2f} s"
    assert eventually(lambda: victim.open_files() <= before), (
        f"{before} descriptors before, {victim.open_files()} after")


@contextlib.contextmanager
def connection(daemon, seconds=10):
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=seconds) as opened:
        yield opened


def read_all(opened, bytes_max=1 << 20):
    """To the end of the connection; a reset is an end too."""
    text = b""
    with contextlib.suppress(ConnectionError):
        while len(text) < bytes_max and (piece := opened.recv(65536)):
            text += piece
    return text


def send_some(opened, pieces):
    """Sends until the other side has had enough; True when it never had."""
    try:
        for piece in pieces:
            opened.sendall(piece)
    except (ConnectionError, TimeoutError):
        return False
    return True


def status_of(answer):
    return int(answer.split()[1]) if answer.startswith(b"HTTP/1.") else None


def exchange(daemon, *pieces):
    with connection(daemon) as opened:
        send_some(opened, pieces)
        return read_all(opened)


def reset(opened):
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    opened.close()


HEAD = b"POST /memories/create HTTP/1.1\r\nHost: x\r\n"


def test_slow_heads_are_cut_off(unharmed):
    opened = [socket.create_connection(("127.0.0.1", unharmed.port)) for _ in range(100)]
    ended = set()
    end = time.monotonic() + PATIENT_SECONDS
    for one in opened:
        one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        one.setblocking(False)
    while len(ended) < len(opened) and time.monotonic() < end:
        for one in opened:
            if one in ended:
                continue
            try:
                if one.recv(4096) == b"":
                    ended.add(one)
                one.send(b"a")
            except BlockingIOError:
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    one.send(b"a")
            except ConnectionError:
                ended.add(one)
        time.sleep(0.25)
    for one in opened:
        one.close()
    assert len(ended) == len(opened), f"{len(opened) - len(ended)} still open"


@pytest.mark.parametrize("line", [b"X-Big: " + b"a" * (1 << 20), b"X-Many: 1\r\n" * 5000])
def test_oversized_heads_are_refused(unharmed, line):
    answer = exchange(unharmed, b"GET /healthz HTTP/1.1\r\nHost: x\r\n", line, b"\r\n\r\n")
    assert status_of(answer) in (400, 431, None)


def test_an_endless_request_line_is_refused(unharmed):
    answer = exchange(unharmed, b"GET /", b"a" * (2 << 20))
    assert status_of(answer) in (400, 414, 431, None)


def test_an_endless_body_is_bounded(unharmed):
    chunk = b"10000\r\n" + b"a" * 65536 + b"\r\n"
    before = unharmed.memory_bytes()
    with connection(unharmed) as opened:
        send_some(opened, [HEAD + b"Transfer-Encoding: chunked\r\n\r\n"])
        send_some(opened, [chunk] * 4096)
        opened.settimeout(10)
        answer = read_all(opened)
    assert status_of(answer) in (400, 403, 413, None), answer[:200]
    assert unharmed.memory_bytes() - before < 32 << 20


def test_an_announced_giant_is_refused_at_once(unharmed):
    answer = exchange(unharmed, HEAD + b"Content-Length: 99999999999999\r\n\r\n")
    assert status_of(answer) in (400, 403, 413), answer[:200]


def test_half_closed_connections_are_answered(unharmed):
    with connection(unharmed) as opened:
        opened.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        opened.shutdown(socket.SHUT_WR)
        assert status_of(read_all(opened)) == 200


def test_half_a_body_and_a_closed_door(unharmed):
    for _ in range(50):
        with connection(unharmed) as opened:
            opened.sendall(HEAD + b"Content-Length: 1000\r\n\r\nhalf")
            opened.shutdown(socket.SHUT_WR)
            assert status_of(read_all(opened)) in (400, 403, None)


def test_resets_at_every_stage(unharmed):
    whole = HEAD + b"Content-Length: 4\r\n\r\n{}{}"
    for _ in range(4):
        for cut in range(0, len(whole) + 1, 3):
            opened = socket.create_connection(("127.0.0.1", unharmed.port))
            opened.sendall(whole[:cut])
            reset(opened)


def test_garbage(unharmed):
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    chance = random.Random(seed)
    beginnings = [
        b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n", b"GET /\r\n\r\n", b"\0" * 64,
        b"GET http://x:99999/ HTTP/1.1\r\n", b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    ]
    for beginning in beginnings * 10:
        with connection(unharmed) as opened:
            send_some(opened, [beginning + chance.randbytes(chance.randrange(200))])
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_WR)
            status = status_of(read_all(opened))
            assert status is None or 400 <= status < 600, (beginning, status)


SMUGGLED = [
    b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    b"Content-Length: +4\r\n\r\nabcd",
    b"Content-Length: 4, 4\r\n\r\nabcd",
    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
]


@pytest.mark.parametrize("rest", SMUGGLED)
def test_ambiguous_messages_end_the_connection(unharmed, rest):
    """RFC 9112, 6.1 and 6.3: whoever reads on after such a message may read a smuggled one."""
    inner = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = exchange(unharmed, HEAD + rest + inner)
    assert b"HTTP/1.1 200" not in answer, answer[:400]
    assert answer.count(b"HTTP/1.1 ") <= 1


def test_a_client_that_never_reads_is_cut_off_or_waits_alone(unharmed):
    """Requests without end, answers unread: the daemon must not pile them up."""
    before = unharmed.memory_bytes()
    request = b"GET /x/operations HTTP/1.1\r\nHost: x\r\n\r\n"
    with connection(unharmed, seconds=3) as opened:
        send_some(opened, [request * 100] * 2000)
        assert unharmed.memory_bytes() - before < 32 << 20


def test_many_idle_connections(unharmed):
    opened = [socket.create_connection(("127.0.0.1", unharmed.port)) for _ in range(1000)]
    time.sleep(0.5)
    for one in opened:
        one.close()
