"""A guest that misbehaves hurts its own session, and its caller is told so."""
import contextlib
import errno
import threading
import time

import pytest
from botocore.exceptions import ClientError
from botocore.exceptions import ConnectionError as TransportError
from botocore.exceptions import HTTPClientError

import agents
from daemon import eventually

# What InvokeAgentRuntime may answer.
MODELLED = {
    "AccessDeniedException", "InternalServerException", "ResourceNotFoundException",
    "RetryableConflictException", "RuntimeClientError", "ServiceQuotaExceededException",
    "ThrottlingException", "ValidationException"}
# One call on a quiet neighbour, while something else is on fire on a small machine.
NEIGHBOUR_SECONDS_MAX = 5.0


@contextlib.contextmanager
def neighbour(puppet):
    """Another session answers before, and keeps answering in time until the end."""
    session = agents.session_id()
    mark = {"values": {"kept": 1}}
    puppet.invoke({"do": "remember", **mark}, session)
    slowest, failures, done = [0.0], [], threading.Event()

    def call():
        while not done.wait(0.05):
            began = time.monotonic()
            try:
                assert puppet.invoke({"do": "recall"}, session)["values"] == mark["values"]
            except Exception as error:  # every failure counts, whatever it is
                failures.append(repr(error))
            slowest[0] = max(slowest[0], time.monotonic() - began)

    caller = threading.Thread(target=call)
    caller.start()
    try:
        yield
    finally:
        done.set()
        caller.join()
    assert not failures, failures[:3]
    assert slowest[0] < NEIGHBOUR_SECONDS_MAX, f"the neighbour waited {slowest[0]:.2f} s"
    puppet.stop(session)


def modelled_error(puppet, payload, session):
    with pytest.raises(ClientError) as caught:
        puppet.invoke(payload, session)
    assert caught.value.response["Error"]["Code"] in MODELLED, caught.value
    return caught.value.response


def test_crash(puppet):
    session = agents.session_id()
    with neighbour(puppet):
        response = modelled_error(puppet, {"do": "crash"}, session)
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
        assert puppet.invoke({"do": "recall"}, session)["values"] == {}, "the session begins anew"
    puppet.stop(session)


def test_exit(puppet):
    session = agents.session_id()
    with neighbour(puppet):
        modelled_error(puppet, {"do": "exit", "code": 3}, session)


def test_hang(puppet):
    """A hanging call costs its caller only; the session can be stopped under it."""
    session = agents.session_id()
    answers = []

    def call():
        try:
            puppet.invoke({"do": "hang"}, session)
        except Exception as error:
            answers.append(error)

    with neighbour(puppet):
        caller = threading.Thread(target=call)
        caller.start()
        assert eventually(lambda: puppet.invoke({"do": "echo"}, session))
        puppet.stop(session)
        caller.join(30)
        assert not caller.is_alive()
    assert isinstance(answers[0], ClientError)
    assert answers[0].response["Error"]["Code"] in MODELLED


def test_flood(puppet, daemon):
    session = agents.session_id()
    before = daemon.memory_bytes()
    with neighbour(puppet):
        puppet.invoke({"do": "flood"}, session)
        peak = before
        end = time.monotonic() + 2
        while time.monotonic() < end:
            peak = max(peak, daemon.memory_bytes())
            time.sleep(0.05)
        puppet.stop(session)
    assert peak - before < 32 << 20, f"grew by {(peak - before) >> 20} MiB"


def test_fork_bomb(puppet):
    session = agents.session_id()
    with neighbour(puppet):
        assert puppet.invoke({"do": "fork_bomb"}, session)["refused"] == 200
        puppet.stop(session)


@pytest.mark.parametrize("path", ["/work/filler", "/tmp/filler"])
def test_disk_fill(puppet, path):
    session = agents.session_id()
    with neighbour(puppet):
        filled = puppet.invoke({"do": "fill", "path": path}, session)
        assert filled["errno"] == errno.ENOSPC
        assert filled["written"] <= 2 << 30
        puppet.stop(session)


def test_memory(puppet):
    session = agents.session_id()
    with neighbour(puppet):
        response = modelled_error(puppet, {"do": "allocate"}, session)
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
        assert "memory" in response["Error"]["Message"].lower()


def test_a_stream_cut_off_by_a_crash_looks_broken(puppet):
    session = agents.session_id()
    response = puppet.open({"do": "tokens", "count": 1}, session)
    assert agents.next_event(response) == "first"
    with contextlib.suppress(ClientError):
        puppet.invoke({"do": "exit", "code": 1}, session)
    with pytest.raises((HTTPClientError, TransportError, OSError)):
        response["response"].read()


def test_the_daemon_is_as_before(puppet, daemon):
    assert puppet.invoke({"do": "echo"})["echo"]
    assert daemon.running()
