"""Session storage: a folder that a session finds again after it was stopped."""
import pytest

import agents
from conftest import served
from daemon import eventually


def storage(*paths):
    return [{"sessionStorage": {"mountPath": path}} for path in paths]


@pytest.fixture(scope="module")
def keeper(deployed):
    return deployed(agents.PUPPET_FILES, name="keeper",
                    filesystemConfigurations=storage("/mnt/data", "/mnt/more/"))


def write(runtime, session, path, text):
    runtime.invoke({"do": "write", "path": path, "text": text}, session)


def read(runtime, session, path):
    return runtime.invoke({"do": "read", "path": path}, session)["text"]


def test_what_is_kept_is_there_after_a_stop(keeper):
    session, other = agents.session_id(), agents.session_id()
    write(keeper, session, "/mnt/data/note", "kept")
    write(keeper, session, "/mnt/more/note", "too")
    write(keeper, session, "/work/note", "not kept")
    keeper.stop(session)
    assert read(keeper, session, "/mnt/data/note") == "kept"
    assert read(keeper, session, "/mnt/more/note") == "too"
    assert read(keeper, session, "/work/note") is None
    assert read(keeper, other, "/mnt/data/note") is None
    assert keeper.get()["filesystemConfigurations"] == storage("/mnt/data", "/mnt/more/")


def test_what_is_kept_survives_the_daemon_and_ends_with_the_runtime():
    with served() as daemon:
        runtime = agents.deploy(daemon, agents.PUPPET_FILES, name="lasting",
                                filesystemConfigurations=storage("/mnt/data"))
        session = agents.session_id()
        write(runtime, session, "/mnt/data/note", "kept")
        daemon.stop()
        daemon.start()
        runtime = agents.Runtime(daemon, {"agentRuntimeId": runtime.id,
                                          "agentRuntimeArn": runtime.arn})
        assert read(runtime, session, "/mnt/data/note") == "kept"
        folder = daemon.data_dir / "runtime/storage" / runtime.id
        assert folder.exists()
        runtime.delete()
        assert eventually(lambda: not folder.exists(), 30)


def test_a_session_that_keeps_too_much_is_ended(keeper):
    session = agents.session_id()
    keeper.invoke({"do": "look"}, session)
    answer = keeper.data.invoke_agent_runtime_command(
        agentRuntimeArn=keeper.arn, runtimeSessionId=session,
        body={"command": "fallocate -l 1100M /mnt/data/large; sleep 60"})
    assert list(answer["stream"])[-1]["chunk"]["contentStop"]["exitCode"] == -1


@pytest.mark.parametrize("paths", [
    ("/mnt/.",), ("/mnt/..",), ("/mnt/a", "/mnt/a/"), ("/mnt/a/b",), ("/home/a",)])
def test_bad_mount_paths_are_refused(daemon, paths):
    client = daemon.client("bedrock-agentcore-control")
    with pytest.raises(client.exceptions.ValidationException):
        agents.create(daemon, agents.PUPPET_FILES, filesystemConfigurations=storage(*paths))
