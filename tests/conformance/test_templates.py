"""Sessions of Python agents that go on from a template: imports are shared, nothing else is."""
import json
import time

import pytest

import agents
from conftest import served
from daemon import eventually
from test_session_life import metric

SESSIONS = 4
MAKING_SECONDS_MAX = 60

# A package as an installer leaves it beside an agent's code: what may be imported ahead.
def installed(name, text):
    return {f"{name}/__init__.py": text,
            f"{name}-1.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
            f"{name}-1.dist-info/RECORD": f"{name}/__init__.py,,\n"}


UNLIKE = '''
import asyncio, logging, os, random, secrets, ssl, subprocess, sys, tempfile, threading, time, uuid
import shared
from serve import serve

own = random.Random()

def answer(request):
    record = logging.LogRecord("a", 20, "a", 1, "a", (), None)
    unlike = {
        "random": random.random(), "own generator": own.random(), "secrets": secrets.token_hex(8),
        "uuid4": str(uuid.uuid4()), "uuid1": str(uuid.uuid1()), "urandom": os.urandom(8).hex(),
        "openssl": ssl.RAND_bytes(8).hex(), "temporary": tempfile.mktemp(),
        "kernel": open("/proc/sys/kernel/random/uuid").read(),
        "hash in a child": subprocess.check_output(
            [sys.executable, "-c", "print(hash('x'))"], text=True),
        "process namespace": os.readlink("/proc/self/ns/pid"),
    }
    return {"unlike": unlike, "program": os.readlink("/proc/self/exe"), "shared": shared.MADE,
            "is own pid": os.getpid() == int(os.readlink("/proc/self"))
                         == threading.main_thread().native_id,
            "wall": time.time(), "monotonic": time.monotonic(), "relative": record.relativeCreated,
            "name": __name__, "file": __file__, "argv": sys.argv, "path": sys.path[0],
            "main": sys.modules["__main__"].answer is answer, "work": os.listdir("/work")}

if __name__ == "__main__":
    serve(answer)
'''
SHARED = "import time\nMADE = time.time()\n"

# Each does something when it is imported that cannot be done once for all sessions.
UNSHAREABLE = {
    "draws": "import secrets\nvalue = secrets.token_hex(8)\n",
    "draws_openly": "import random\nvalue = random.Random().random()\n",
    "threads": "import threading\nevent = threading.Event()\n"
               "worker = threading.Thread(target=event.wait, daemon=True)\nworker.start()\n"
               "def value(): return worker.is_alive()\n",
    "opens": "file = open('/proc/self/stat')\ndef value(): return file.read().split()[0]\n",
    "listens": "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n"
               "def value(): return server.getsockname()[1]\n",
    "calls": "import socket\nprobe = socket.socket()\nvalue = probe.connect_ex(('127.0.0.1', 1))\n"
             "probe.close()\n",
    "makes_folders": "import os\nos.makedirs('/work/.cache/makes_folders', exist_ok=True)\n"
                     "def value(): return os.path.isdir('/work/.cache/makes_folders')\n",
}
MIXED = f'''
import os
import {", ".join(UNSHAREABLE)}, shared
from serve import serve

def answer(request):
    modules = [{", ".join(UNSHAREABLE)}]
    values = {{m.__name__: m.value() if callable(m.value) else m.value for m in modules}}
    return {{"values": values, "shared": shared.MADE, "program": os.readlink("/proc/self/exe")}}

serve(answer)
'''

# Gets on with nothing but an ordinary start.
PROUD = '''
import os, sys
import shared
from serve import serve
if "thaw" in os.readlink("/proc/self/exe"): sys.exit("not like this")
serve(lambda request: {"program": os.readlink("/proc/self/exe")})
'''


@pytest.fixture
def without_pool(tmp_path):
    """Every session starts its own agent, from the template as soon as there is one."""
    config = tmp_path / "config.yaml"
    config.write_text("runtime: {pool: {guests_max: 0}}\n")
    with served(arguments=["--config", str(config)]) as daemon:
        yield daemon


def deploy(daemon, script, *packages):
    files = {"agent.py": script, "serve.py": agents.SERVE}
    for package in packages:
        files |= package
    runtime = agents.deploy(daemon, files)
    runtime.invoke({})  # the first session has a template made
    return runtime


def has_template(daemon):
    return eventually(lambda: metric(daemon, "agentcored_runtime_templates") == 1,
                      MAKING_SECONDS_MAX)


def log_of(daemon, message):
    text = daemon.log_path.read_text()
    lines = [json.loads(line) for line in text.split("\n") if message in line]
    return lines[-1] if lines else None


def test_sessions_of_one_template_are_unlike(without_pool):
    runtime = deploy(without_pool, UNLIKE, installed("shared", SHARED))
    assert has_template(without_pool), without_pool.log_tail()
    answers = [runtime.invoke({}) for _ in range(SESSIONS)]
    assert all("thaw" in answer["program"] for answer in answers), answers[0]
    assert len({answer["shared"] for answer in answers}) == 1, "imported once for all"
    for what in answers[0]["unlike"]:
        seen = {answer["unlike"][what] for answer in answers}
        assert len(seen) == SESSIONS, f"{what}: {seen}"
    for answer in answers:
        assert answer["is own pid"] and answer["main"] and answer["work"] == []
        assert answer["name"] == "__main__"
        assert [answer["file"]] == answer["argv"] == ["/var/task/agent.py"]
        assert answer["path"] == "/var/task"
        assert abs(answer["wall"] - time.time()) < 30
        assert answer["relative"] < 1000 * (time.time() - answer["shared"])
    assert answers[0]["monotonic"] < answers[-1]["monotonic"]


def test_what_cannot_be_shared_is_left_to_the_sessions(without_pool):
    runtime = deploy(without_pool, MIXED, installed("shared", SHARED),
                     *(installed(name, text) for name, text in UNSHAREABLE.items()))
    assert has_template(without_pool), without_pool.log_tail()
    answers = [runtime.invoke({}) for _ in range(SESSIONS)]
    assert all("thaw" in answer["program"] for answer in answers)
    assert len({answer["shared"] for answer in answers}) == 1
    values = [answer["values"] for answer in answers]
    for name in ("draws", "draws_openly"):
        assert len({value[name] for value in values}) == SESSIONS, values
    assert all(value["threads"] and value["makes_folders"] and value["listens"] and
               value["opens"] for value in values), values
    said = log_of(without_pool, "sessions start from a template")
    assert all(f"{name}: it " in str(said) for name in UNSHAREABLE), said
    assert "shared: it" not in str(said)


def test_an_agent_that_no_template_suits_starts_the_ordinary_way_and_the_log_says_so(without_pool):
    runtime = deploy(without_pool, PROUD, installed("shared", SHARED))
    message = "sessions start without a template"
    assert eventually(lambda: log_of(without_pool, message), MAKING_SECONDS_MAX)
    assert "not like this" in str(log_of(without_pool, message))
    for _ in range(SESSIONS):
        assert "python" in runtime.invoke({})["program"]
    assert metric(without_pool, "agentcored_runtime_templates") == 0


def test_an_update_and_a_deletion_end_the_template(without_pool):
    runtime = deploy(without_pool, UNLIKE, installed("shared", SHARED))
    assert has_template(without_pool)
    before = runtime.invoke({})["shared"]
    runtime.control.update_agent_runtime(
        agentRuntimeId=runtime.id, roleArn=agents.ROLE,
        networkConfiguration={"networkMode": "PUBLIC"},
        agentRuntimeArtifact=agents.upload(without_pool, agents.zip_of(
            {"agent.py": UNLIKE, "serve.py": agents.SERVE} | installed("shared", SHARED))))
    assert runtime.wait()["status"] == "READY"
    assert runtime.invoke({})["shared"] > before
    assert has_template(without_pool)
    runtime.delete()
    assert eventually(lambda: metric(without_pool, "agentcored_runtime_templates") == 0, 15)
