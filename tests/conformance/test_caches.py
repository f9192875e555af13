"""Code, packages and images are kept while a version uses them, and no longer."""
import threading
import time

import pytest

import agents
import images
from daemon import eventually
from test_builds_network import wheel

SECONDS_MAX = 30


def kept(daemon, kind):
    top = daemon.data_dir / ("images" if kind == "images" else f"runtime/{kind}")
    return {path.name for path in top.iterdir()} - {"tmp"}


def files(word, package):
    return {"agent.py": f"from serve import serve\nimport {package} as own\n"
                        f"serve(lambda request: {{'word': {word!r}, 'from': own.SEEN}})\n",
            "serve.py": agents.SERVE, f"{package}-1.0-py3-none-any.whl": wheel(package),
            "requirements.txt": f"./{package}-1.0-py3-none-any.whl\n"}


def gone(daemon, kind, names):
    return eventually(lambda: not kept(daemon, kind) & names, SECONDS_MAX)


def test_what_no_version_uses_goes_while_the_daemon_runs(fresh_daemon):
    first = agents.deploy(fresh_daemon, files("one", "alpha"))
    before = {kind: kept(fresh_daemon, kind) for kind in ("code", "packages")}
    second = agents.deploy(fresh_daemon, files("two", "beta"))
    others = {kind: kept(fresh_daemon, kind) - before[kind] for kind in before}
    assert all(others.values()) and all(before.values())
    session = agents.session_id()
    assert second.invoke({}, session)["word"] == "two"
    first.delete()
    for kind, names in before.items():
        assert gone(fresh_daemon, kind, names), kind
        assert kept(fresh_daemon, kind) == others[kind]
    assert second.invoke({}, session)["word"] == "two"
    assert second.invoke({})["from"] == "from the operator", "new sessions find theirs"
    again = agents.deploy(fresh_daemon, files("one", "alpha"))
    assert again.invoke({})["word"] == "one"


def test_an_earlier_version_that_an_endpoint_names_keeps_its_code(fresh_daemon):
    runtime = agents.deploy(fresh_daemon, files("one", "alpha"))
    runtime.control.create_agent_runtime_endpoint(
        agentRuntimeId=runtime.id, name="stable", agentRuntimeVersion="1")
    runtime.control.update_agent_runtime(
        agentRuntimeId=runtime.id, roleArn=agents.ROLE,
        agentRuntimeArtifact=agents.upload(fresh_daemon, agents.zip_of(files("two", "beta"))),
        networkConfiguration={"networkMode": "PUBLIC"})
    assert runtime.wait()["status"] == "READY"
    other = agents.deploy(fresh_daemon, files("three", "gamma"))
    names = kept(fresh_daemon, "code")
    other.delete()
    assert eventually(lambda: len(kept(fresh_daemon, "code")) == len(names) - 1, SECONDS_MAX)
    assert runtime.invoke({}, qualifier="stable")["word"] == "one"
    assert runtime.invoke({})["word"] == "two"


def test_a_build_that_fails_leaves_nothing(fresh_daemon):
    failed = agents.create(fresh_daemon, {"agent.py": "this is no Python\n"})
    assert failed.wait()["status"] == "CREATE_FAILED"
    assert eventually(lambda: not kept(fresh_daemon, "code"), SECONDS_MAX)


def test_an_image_goes_with_the_last_runtime_that_uses_it(fresh_daemon):
    archive = images.agent_layout()
    agents.upload(fresh_daemon, archive, key="image.tar")
    artifact = {"containerConfiguration": {"containerUri": f"s3://{agents.BUCKET}/image.tar"}}
    first, second = (agents.deploy(fresh_daemon, {}, agentRuntimeArtifact=artifact)
                     for _ in range(2))
    names = kept(fresh_daemon, "images")
    assert len(names) == 1
    first.delete()
    assert eventually(lambda: is_gone(first), SECONDS_MAX)
    assert second.invoke({"prompt": "hi"}), "its image is still there"
    assert kept(fresh_daemon, "images") == names
    second.delete()
    assert gone(fresh_daemon, "images", names)


def is_gone(runtime):
    try:
        runtime.get()
    except runtime.control.exceptions.ResourceNotFoundException:
        return True
    return False


@pytest.mark.parametrize("seconds", [6])
def test_builds_lose_nothing_to_a_collection_beside_them(fresh_daemon, seconds):
    """The same code and packages come and go in four hands."""
    end = time.monotonic() + seconds
    wrong, made = [], []

    def churn(number):
        try:
            while time.monotonic() < end:
                runtime = agents.deploy(fresh_daemon, files("same", "alpha"),
                                        name=f"churn_{number}_{len(made)}_{time.monotonic_ns()}")
                assert runtime.invoke({})["from"] == "from the operator"
                runtime.delete()
                made.append(runtime)
        except Exception as error:  # pylint: disable=broad-exception-caught
            wrong.append(error)

    threads = [threading.Thread(target=churn, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong
    assert len(made) >= 4
    for kind in ("code", "packages"):
        assert eventually(lambda kind=kind: not kept(fresh_daemon, kind), SECONDS_MAX), kind
