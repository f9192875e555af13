"""Forks of live sessions."""
import concurrent.futures
import contextlib
import json

import pytest
from probe_client import ProbeClient
from daemon import eventually
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


def test_three_continuations_at_once(daemon, live):
    live.run("import os\nsteps = ['start']; os.environ['MARK'] = 'kept'; os.makedirs('sub')\n"
             "os.chdir('sub')\ndef step(name):\n    steps.append(name); return steps")
    made, _ = forks(daemon, live, 3)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        said = list(pool.map(
            lambda one: text(one[1].run(f"step('way {one[0]}'), os.getcwd(), os.environ['MARK']")),
            enumerate(made)))
    for number, one in enumerate(said):
        assert one.strip() == f"(['start', 'way {number}'], '/work/sub', 'kept')"
    assert text(live.run("steps")).strip() == "['start']"
    assert len({text(one.run("os.urandom(8).hex()")) for one in (live, *made)}) == 4
    for one in made:
        one.stop()
    assert text(live.run("step('last')[-1]")).strip() == "'last'"


def test_a_session_that_runs_code_is_not_forked(daemon, live):
    live.run("import time")
    stream = live.stream("executeCode", code="print('on', flush=True); time.sleep(3)",
                         language="python")
    assert "on" in str(next(iter(stream)))
    status, answer = fork(daemon, live)
    assert status == 409 and "running code" in answer["message"], answer
    assert text([*stream][-1]["result"]).strip() == "on"
    # What was given to the agent with the refused call is not mistaken for this one's.
    (one,), _ = forks(daemon, live)
    assert text(one.run("time.__name__")).strip() == "'time'"
    one.stop()


def test_forks_at_once_of_one_session(daemon, live):
    live.run("x = list(range(1000))")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: fork(daemon, live), range(4)))
    made = [Forked(daemon, one["sessionId"]) for status, answer in answers if status == 200
            for one in answer["sessions"]]
    assert made and all(status in (200, 409) for status, _ in answers), answers
    for one in made:
        assert text(one.run("sum(x)")).strip() == "499500"
        one.stop()
    assert text(live.run("len(x)")).strip() == "1000"


def test_what_is_too_large_is_refused_and_goes_on(daemon, live):
    live.run("with open('sparse', 'wb') as f: f.truncate(1 << 34)")
    status, answer = fork(daemon, live)
    assert status == 409 and "too large" in answer["message"], answer
    live.run("import os; os.unlink('sparse'); big = bytearray(os.urandom(1 << 20) * 600)")
    status, answer = fork(daemon, live)
    assert status == 409 and "too large" in answer["message"], answer
    assert text(live.run("len(big) >> 20")).strip() == "600"


def test_a_hostile_kernel_cannot_pass_off_a_snapshot(daemon, live):
    """What the kernel says is the user's: a forged end, a file that it still can write to."""
    live.run("import os, json, struct, mmap, agentcored_guest.agentcored_template as t\n"
             "def forged(image, base=-1):\n"
             "    os.ftruncate(image, 1 << 16)\n"
             "    globals()['held'] = mmap.mmap(image, 1 << 16)\n"
             "    return None\n"
             "t.snapshot = forged")
    status, answer = fork(daemon, live)
    assert status in (400, 409, 500, 502, 503), answer
    assert text(live.run("6 * 7")).strip() == "42"
    # Or the end of the process that should have been written down.
    live.run("t.snapshot = lambda *_: os._exit(9)")
    status, answer = fork(daemon, live)
    assert status == 409 and "ended" in answer["message"], answer
    assert text(live.run("6 * 7")).strip() == "42"


FORGED = """
import os, struct, agentcored_guest.agentcored_template as t
def forged(image, base=-1):
    os.pwrite(image, struct.pack('<QII', 0x315a4e5246434127, 0, base >= 0), 0)
    os.ftruncate(image, 1 << 16)
t.snapshot = forged
"""


def ready_sessions(daemon):
    page = daemon.client("bedrock-agentcore").list_code_interpreter_sessions(
        codeInterpreterIdentifier=SYSTEM, status="READY", maxResults=100)
    return {item["sessionId"] for item in page["items"]}


def zombies(daemon):
    found = []
    for pid in daemon.descendants():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                found.append(pid)
    return found


def refused_and_gone(daemon, live):
    """A snapshot that looks like one, and of which no process can go on."""
    live.run(FORGED)
    before = ready_sessions(daemon)
    status, answer = fork(daemon, live)
    assert status == 409 and "ended" in answer["message"], answer
    assert ready_sessions(daemon) == before
    assert eventually(lambda: not zombies(daemon), 10)
    assert text(live.run("6 * 7")).strip() == "42"


def test_a_snapshot_that_cannot_go_on_is_nobodys_session(daemon, live):
    refused_and_gone(daemon, live)


def test_a_session_of_before_the_template_is_forked_too(fresh_daemon):
    """Its whole memory goes to a guest whose kernel, of the template, is replaced."""
    first = Session(fresh_daemon)
    first.run("kept = ['whole']")
    assert "False" in text(first.run("import sys; 'pandas' in sys.modules"))

    def is_warm():
        made = Session(fresh_daemon)
        loaded = "True" in text(made.run("import sys; 'pandas' in sys.modules"))
        made.stop()
        return loaded
    assert eventually(is_warm, 60)
    (one,), _ = forks(fresh_daemon, first)
    assert text(one.run("kept.append('forked'); kept")).strip() == "['whole', 'forked']"
    (two,), _ = forks(fresh_daemon, one)
    assert text(two.run("kept")).strip() == "['whole', 'forked']"
    refused_and_gone(fresh_daemon, first)
    for made in (first, one, two):
        made.stop()


def test_threads_stay_behind_and_the_rest_goes_on(daemon, live):
    live.run("import threading, time\nticks = []\n"
             "def tick():\n    while True: ticks.append(1); time.sleep(0.001)\n"
             "threading.Thread(target=tick, daemon=True).start(); time.sleep(0.1)")
    (one,), _ = forks(daemon, live)
    there = "n = len(ticks); import time; time.sleep(0.1); n > 0, len(ticks) > n"
    assert text(one.run(there)).strip() == "(True, False)"
    assert text(live.run(there)).strip() == "(True, True)"
    assert text(one.run("threading.active_count()")).strip() == "1"
    worker = "w = threading.Thread(target=lambda: ticks.clear()); w.start(); w.join(); ticks"
    assert text(one.run(worker)).strip() == "[]"
    one.stop()


def test_memory_is_the_sources_to_the_byte(daemon, live):
    """Pages that only one side has written to, freed memory, new mappings, libraries loaded."""
    live.run("import hashlib, mmap, numpy as np, sqlite3, os, gc\n"
             "rng = np.random.default_rng(7)\n"
             "blocks = [rng.bytes(int(n)) for n in rng.integers(1, 300_000, 300)]\n"
             "del blocks[::3]; gc.collect(); gc.unfreeze()\n"
             "shared = mmap.mmap(-1, 1 << 20); shared[:5] = b'hello'\n"
             "private = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE)\n"
             "private[4096:4101] = b'there'\n"
             "table = sqlite3.connect(':memory:'); table.execute('create table t (x)')\n"
             "table.executemany('insert into t values (?)', [(i,) for i in range(1000)])\n"
             "def digest():\n    return hashlib.sha256(b''.join(blocks)).hexdigest()")
    sums = "digest(), shared[:5], private[4096:4101], private[0], " \
           "table.execute('select sum(x) from t').fetchone(), rng.integers(1 << 40)"
    made, _ = forks(daemon, live, 2)
    said = {text(one.run(sums)) for one in (live, *made)}
    assert len(said) == 1 and "hello" in said.pop()
    (again,), _ = forks(daemon, made[0])
    assert text(again.run("rng.integers(1 << 40)")) == text(made[1].run("rng.integers(1 << 40)"))
    for one in (*made, again):
        one.stop()
