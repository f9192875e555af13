"""Sessions that come from a template, and forks of live ones."""
import json

import pytest
from probe_client import ProbeClient
from test_code_interpreter_boto3 import SYSTEM, Session, text


class Forked(Session):
    """A session that a fork made."""

    def __init__(self, daemon, session_id):
        self.client = daemon.client("bedrock-agentcore")
        self.interpreter = SYSTEM
        self.id = session_id


def fork(daemon, session, body="{}"):
    answer = ProbeClient(daemon).send(
        "POST", f"/x/code-interpreters/{SYSTEM}/sessions/{session.id}/fork", body.encode(),
        {"Content-Type": "application/json"})
    return answer.status, answer.json


def forks(daemon, session, count=1):
    status, answer = fork(daemon, session, json.dumps({"count": count}))
    assert status == 200, answer
    return [Forked(daemon, one["sessionId"]) for one in answer["sessions"]], answer


@pytest.fixture
def live(daemon):
    made = Session(daemon)
    yield made
    made.stop()


def test_a_fork_has_state_and_files_and_goes_its_own_way(daemon, live):
    live.run("import random; x = [1, 2]; open('notes.txt', 'w').write('first')\n"
             "f = open('notes.txt'); f.read(2)")
    (one, two), answer = forks(daemon, live, 2)
    assert answer["languages"] == {"python": "FORKED"}
    assert answer["sourceSessionId"] == live.id
    assert text(one.run("x.append(3); x")).strip() == "[1, 2, 3]"
    assert text(two.run("x.append(4); x")).strip() == "[1, 2, 4]"
    assert text(live.run("x")).strip() == "[1, 2]"
    assert text(one.run("f.read()")).strip() == "'rst'"
    one.run("open('notes.txt', 'w').write('changed')")
    assert text(two.run("open('notes.txt').read()")).strip() == "'first'"
    assert text(live.run("open('notes.txt').read()")).strip() == "'first'"
    drawn = {text(s.run("random.random()")) for s in (live, one, two)}
    assert len(drawn) == 3
    for made in (one, two):
        assert made.view()["status"] == "READY"
        made.stop()


def test_a_fork_of_a_fork(daemon, live):
    live.run("depth = 0; big = bytearray(b'x' * (20 << 20))")
    (one,), _ = forks(daemon, live)
    one.run("depth += 1")
    (two,), _ = forks(daemon, one)
    assert text(two.run("depth, len(big), big[-1]")).strip() == f"(1, {20 << 20}, 120)"
    one.stop()
    assert text(two.run("depth")).strip() == "1"
    two.stop()


def test_node_says_that_its_state_is_not_forked(daemon, live):
    if live.run("globalThis.y = 1", language="javascript")["isError"]:
        pytest.skip("no Node here")
    live.run("x = 1")
    (one,), answer = forks(daemon, live)
    assert answer["languages"] == {"javascript": "NOT_FORKED", "python": "FORKED"}
    assert "undefined" in text(one.run("typeof y", language="javascript"))
    one.stop()


@pytest.mark.parametrize("body", ['{"count": 0}', '{"count": 17}', '{"count": "2"}', "[]", "{"])
def test_bad_counts_are_refused(daemon, live, body):
    assert fork(daemon, live, body)[0] == 400


def test_what_is_not_there_cannot_be_forked(daemon, live):
    live.stop()
    assert fork(daemon, live)[0] == 404


def test_sessions_of_one_template_are_unlike(daemon):
    sessions = [Session(daemon) for _ in range(3)]
    code = ("import random, uuid, tempfile, os, secrets\nimport numpy as np\n"
            "(random.random(), str(uuid.uuid4()), tempfile.mktemp(), secrets.token_hex(),"
            " float(np.random.rand()), float(np.random.default_rng().random()))")
    values = [eval(text(s.run(code))) for s in sessions]
    for at in range(len(values[0])):
        assert len({v[at] for v in values}) == 3, at
    for session in sessions:
        session.stop()
