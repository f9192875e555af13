"""What a session may use of the machine. (Processes and the disk are in test_harm.py.)"""
import pytest
from botocore.exceptions import ClientError

import agents
from conftest import served

PROCESSORS = 0.5
MEMORY_MIB = 96
AGENT = """
import os, time
from serve import serve
import json

def spin(seconds):
    end = time.monotonic() + seconds
    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            while time.monotonic() < end:
                pass
            os._exit(0)
        children.append(pid)
    began = os.times()
    for pid in children:
        os.waitpid(pid, 0)
    ended = os.times()
    used = ended.children_user + ended.children_system - began.children_user - began.children_system
    return {"processors": used / (ended.elapsed - began.elapsed)}

def take(mebibytes):
    return {"held": len(b"x" * (mebibytes << 20)) >> 20}

serve(lambda request: (lambda asked: globals()[asked["do"]](asked["with"]))(
    json.loads(request.read())))
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    config = tmp_path_factory.mktemp("config") / "config.yaml"
    config.write_text(f"runtime: {{session_processors_max: {PROCESSORS}, "
                      f"session_memory_mib_max: {MEMORY_MIB}}}\n")
    with served(arguments=["--config", str(config)]) as daemon:
        yield agents.deploy(daemon, {"agent.py": AGENT, "serve.py": agents.SERVE})


def test_a_session_gets_its_share_of_the_processors_and_no_more(small):
    used = small.invoke({"do": "spin", "with": 3})["processors"]
    assert used < PROCESSORS * 1.2, used


def test_each_session_has_a_share_of_its_own(small):
    """One that uses all of its own takes nothing from another's."""
    busy, other = agents.session_id(), agents.session_id()
    assert small.invoke({"do": "spin", "with": 0.5}, busy)["processors"] < 2
    assert small.invoke({"do": "take", "with": 1}, other) == {"held": 1}


def test_a_session_that_takes_more_memory_is_ended_and_the_caller_told(small):
    session, other = agents.session_id(), agents.session_id()
    assert small.invoke({"do": "take", "with": 1}, other) == {"held": 1}
    with pytest.raises(ClientError) as caught:
        small.invoke({"do": "take", "with": 2 * MEMORY_MIB}, session)
    assert caught.value.response["Error"]["Code"] == "RuntimeClientError"
    assert "memory" in caught.value.response["Error"]["Message"]
    assert small.invoke({"do": "take", "with": 1}, other) == {"held": 1}
    assert small.invoke({"do": "take", "with": 1}, session) == {"held": 1}, "it starts anew"
