"""InvokeAgentRuntimeCommand: shell commands inside a session's sandbox, as boto3 streams them."""
import time

import botocore.exceptions
import pytest

import agents
from daemon import eventually


def run(runtime, command, session=None, **body):
    """(stdout, stderr, the contentStop event)."""
    answer = runtime.data.invoke_agent_runtime_command(
        agentRuntimeArn=runtime.arn, runtimeSessionId=session or agents.session_id(),
        body={"command": command, **body})
    chunks = [event["chunk"] for event in answer["stream"]]
    assert chunks[0] == {"contentStart": {}}
    out = "".join(c["contentDelta"].get("stdout", "") for c in chunks[1:-1])
    err = "".join(c["contentDelta"].get("stderr", "") for c in chunks[1:-1])
    return out, err, chunks[-1]["contentStop"]


def completed(code):
    return {"exitCode": code, "status": "COMPLETED"}


@pytest.fixture(scope="module")
def session(puppet):
    name = agents.session_id()
    puppet.invoke({"do": "look"}, name)
    return name


def test_output_errors_and_exit_code_come_back(puppet, session):
    out, err, stop = run(puppet, "echo out; echo err >&2; exit 3", session)
    assert (out, err, stop) == ("out\n", "err\n", completed(3))


def test_a_command_runs_beside_the_agent_of_its_session(puppet, session):
    puppet.invoke({"do": "write", "path": "/work/note", "text": "mine"}, session)
    assert run(puppet, "cat /work/note", session)[0] == "mine"
    run(puppet, "printf changed > /work/note", session)
    assert puppet.invoke({"do": "read", "path": "/work/note"}, session) == {"text": "changed"}
    look = puppet.invoke({"do": "look"}, session)
    out, _, _ = run(puppet, "readlink /proc/self/ns/net /proc/self/ns/mnt; id -u; pwd", session)
    assert out.split() == [look["namespaces"]["net"], look["namespaces"]["mnt"],
                           str(look["uid"]), look["cwd"]]


def test_the_environment_is_the_agents(puppet, session):
    environment = puppet.invoke({"do": "environment"}, session)["environment"]
    out, _, _ = run(puppet, "echo $AWS_ENDPOINT_URL $PYTHONPATH", session)
    assert out.split() == [environment["AWS_ENDPOINT_URL"], environment["PYTHONPATH"]]


def test_a_new_session_is_started_for_a_command(puppet):
    name = agents.session_id()
    assert run(puppet, "echo first > /work/x", name)[2] == completed(0)
    assert puppet.invoke({"do": "read", "path": "/work/x"}, name) == {"text": "first\n"}


def test_output_is_streamed_as_it_comes(puppet, session):
    answer = puppet.data.invoke_agent_runtime_command(
        agentRuntimeArn=puppet.arn, runtimeSessionId=session,
        body={"command": "echo one; while [ ! -e /work/go ]; do sleep 0.02; done; echo two"})
    events = iter(answer["stream"])
    assert next(events)["chunk"] == {"contentStart": {}}
    assert next(events)["chunk"] == {"contentDelta": {"stdout": "one\n"}}
    puppet.invoke({"do": "write", "path": "/work/go", "text": ""}, session)
    assert next(events)["chunk"] == {"contentDelta": {"stdout": "two\n"}}
    assert next(events)["chunk"] == {"contentStop": completed(0)}


def test_a_command_over_its_time_is_killed_with_what_it_started(puppet, session):
    out, _, stop = run(puppet, "echo begun; sleep 987 & sleep 986", session, timeout=1)
    assert (out, stop["status"]) == ("begun\n", "TIMED_OUT")
    left = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 98[67]'"
    assert run(puppet, left, session)[0] == "0\n"


def test_what_runs_on_in_the_background_holds_nobody_up(puppet, session):
    begun = time.monotonic()
    out, _, stop = run(puppet, "sleep 30 & echo done", session)
    assert (out, stop) == ("done\n", completed(0))
    assert time.monotonic() - begun < 20


def test_large_and_odd_output_is_whole(puppet, session):
    out, _, stop = run(puppet, "seq 1 200000", session)
    assert out == "".join(f"{n}\n" for n in range(1, 200001))
    assert stop == completed(0)
    odd, _, _ = run(puppet, "printf 'gr\\303'; sleep 0.1; printf '\\274n \\377!'", session)
    assert odd == "grün ?!"


def test_signals_are_told_as_shells_do(puppet, session):
    assert run(puppet, "kill -9 $$", session)[2] == completed(137)


def test_a_command_of_a_stopped_session_ends(puppet):
    name = agents.session_id()
    answer = puppet.data.invoke_agent_runtime_command(
        agentRuntimeArn=puppet.arn, runtimeSessionId=name, body={"command": "sleep 1000"})
    events = iter(answer["stream"])
    next(events)
    puppet.stop(name)
    assert next(events)["chunk"]["contentStop"] == completed(-1)


def test_a_caller_who_leaves_takes_the_command_along(puppet, session):
    answer = puppet.data.invoke_agent_runtime_command(
        agentRuntimeArn=puppet.arn, runtimeSessionId=session, body={"command": "sleep 4321"})
    next(iter(answer["stream"]))
    answer["stream"].close()
    look = "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 43[2]1'"
    assert eventually(lambda: run(puppet, look, session)[0].strip() == "0", 10)


def test_bad_commands_are_refused(puppet, session):
    for body in ({"command": ""}, {"command": "x" * 65537}, {"command": "x", "timeout": 0},
                 {"command": "x", "timeout": 3601}, {"command": "a\0b"}):
        with pytest.raises((puppet.data.exceptions.ValidationException,
                            botocore.exceptions.ParamValidationError)):
            run(puppet, session=session, **body)


def test_a_session_runs_a_bounded_number_of_commands(puppet):
    name = agents.session_id()
    open_streams = [puppet.data.invoke_agent_runtime_command(
        agentRuntimeArn=puppet.arn, runtimeSessionId=name, body={"command": "sleep 1000"})
        for _ in range(16)]
    with pytest.raises(puppet.data.exceptions.ServiceQuotaExceededException):
        run(puppet, "true", name)
    puppet.stop(name)
    for answer in open_streams:
        assert list(answer["stream"])[-1]["chunk"]["contentStop"] == completed(-1)
