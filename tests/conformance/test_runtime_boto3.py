"""The life of a runtime, through boto3."""
import time

import pytest
from botocore.exceptions import ClientError

import agents


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value


def code_of(call, **arguments):
    return error_of(call, **arguments).response["Error"]["Code"]


@pytest.fixture(scope="module")
def control(daemon):
    return daemon.client("bedrock-agentcore-control")


def test_create_answers_creating_and_becomes_ready(daemon):
    code = agents.upload(daemon, agents.zip_of(agents.PUPPET_FILES))
    control = daemon.client("bedrock-agentcore-control")
    created = control.create_agent_runtime(
        agentRuntimeName="life", agentRuntimeArtifact=code, roleArn=agents.ROLE,
        networkConfiguration={"networkMode": "PUBLIC"}, description="An agent",
        environmentVariables={"COLOUR": "blue"}, tags={"team": "one"})
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert created["status"] == "CREATING"
    assert created["agentRuntimeVersion"] == "1"
    assert created["agentRuntimeId"].startswith("life-")
    assert created["agentRuntimeArn"].endswith(f":runtime/{created['agentRuntimeId']}")

    runtime = agents.Runtime(daemon, created)
    found = runtime.wait()
    assert found["status"] == "READY"
    assert found["agentRuntimeArtifact"] == code
    assert found["description"] == "An agent"
    assert found["environmentVariables"] == {"COLOUR": "blue"}
    assert found["networkConfiguration"]["networkMode"] == "PUBLIC"
    assert found["roleArn"] == agents.ROLE
    assert found["lifecycleConfiguration"] == {
        "idleRuntimeSessionTimeout": 900, "maxLifetime": 28800}
    assert runtime.invoke({"do": "environment"})["environment"]["COLOUR"] == "blue"
    assert control.list_tags_for_resource(resourceArn=runtime.arn)["tags"] == {"team": "one"}
    runtime.delete()


def test_a_name_can_be_used_once(puppet, daemon):
    again = lambda: agents.create(daemon, agents.PUPPET_FILES, name="puppet")  # noqa: E731
    assert code_of(again) == "ConflictException"


def test_the_same_client_token_creates_once(daemon, control):
    arguments = {
        "agentRuntimeName": "once", "roleArn": agents.ROLE,
        "agentRuntimeArtifact": agents.upload(daemon, agents.zip_of(agents.PUPPET_FILES)),
        "networkConfiguration": {"networkMode": "PUBLIC"}, "clientToken": "a" * 40}
    first = control.create_agent_runtime(**arguments)
    second = control.create_agent_runtime(**arguments)
    assert first["agentRuntimeId"] == second["agentRuntimeId"]
    other = error_of(control.create_agent_runtime, **{**arguments, "description": "other"})
    assert other.response["Error"]["Code"] == "ValidationException"
    assert other.response["reason"] == "IdempotentParameterMismatchException"
    agents.Runtime(daemon, first).wait()
    control.delete_agent_runtime(agentRuntimeId=first["agentRuntimeId"])


def test_an_update_makes_a_version_and_moves_default(daemon, control):
    def files(answer):
        agent = f"from serve import serve\nserve(lambda request: {{'answer': '{answer}'}})\n"
        return {"agent.py": agent, "serve.py": agents.SERVE}

    runtime = agents.deploy(daemon, files("one"), name="versions")
    assert runtime.invoke({}) == {"answer": "one"}
    old_session = agents.session_id()
    runtime.invoke({}, old_session)

    pinned = control.create_agent_runtime_endpoint(
        agentRuntimeId=runtime.id, name="pinned", agentRuntimeVersion="1")
    assert pinned["agentRuntimeEndpointArn"].endswith("/runtime-endpoint/pinned")

    updated = control.update_agent_runtime(
        agentRuntimeId=runtime.id, roleArn=agents.ROLE,
        agentRuntimeArtifact=agents.upload(daemon, agents.zip_of(files("two"))),
        networkConfiguration={"networkMode": "PUBLIC"})
    assert updated["agentRuntimeVersion"] == "2"
    assert updated["status"] == "UPDATING"
    assert runtime.wait()["status"] == "READY"

    assert runtime.invoke({}) == {"answer": "two"}
    assert runtime.invoke({}, qualifier="pinned") == {"answer": "one"}
    assert runtime.invoke({}, old_session) == {"answer": "one"}, "a session keeps its version"

    versions = control.list_agent_runtime_versions(agentRuntimeId=runtime.id)["agentRuntimes"]
    assert sorted(v["agentRuntimeVersion"] for v in versions) == ["1", "2"]
    assert runtime.get(agentRuntimeVersion="1")["agentRuntimeVersion"] == "1"
    default = control.get_agent_runtime_endpoint(agentRuntimeId=runtime.id, endpointName="DEFAULT")
    assert (default["liveVersion"], default["status"]) == ("2", "READY")

    control.update_agent_runtime_endpoint(
        agentRuntimeId=runtime.id, endpointName="pinned", agentRuntimeVersion="2")
    assert runtime.invoke({}, qualifier="pinned") == {"answer": "two"}

    endpoints = control.list_agent_runtime_endpoints(agentRuntimeId=runtime.id)["runtimeEndpoints"]
    assert sorted(e["name"] for e in endpoints) == ["DEFAULT", "pinned"]
    control.delete_agent_runtime_endpoint(agentRuntimeId=runtime.id, endpointName="pinned")
    assert code_of(
        runtime.invoke, payload={}, qualifier="pinned") == "ResourceNotFoundException"
    runtime.delete()


def test_lists_are_paged(daemon, control):
    code = agents.upload(daemon, agents.zip_of(agents.PUPPET_FILES))
    created = [agents.Runtime(daemon, control.create_agent_runtime(
        agentRuntimeName=f"page_{n}", agentRuntimeArtifact=code, roleArn=agents.ROLE,
        networkConfiguration={"networkMode": "PUBLIC"})) for n in range(5)]
    pages = control.get_paginator("list_agent_runtimes").paginate(
        PaginationConfig={"PageSize": 2})
    listed = []
    for page in pages:
        assert len(page["agentRuntimes"]) <= 2
        listed += [item["agentRuntimeId"] for item in page["agentRuntimes"]]
    assert len(listed) == len(set(listed))
    assert {runtime.id for runtime in created} <= set(listed)
    for runtime in created:
        runtime.wait()
        runtime.delete()


def test_deleted_is_gone(daemon, control):
    runtime = agents.deploy(daemon, agents.PUPPET_FILES, name="gone")
    session = agents.session_id()
    runtime.invoke({"do": "echo"}, session)
    assert control.delete_agent_runtime(agentRuntimeId=runtime.id)["status"] == "DELETING"
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            runtime.get()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "ResourceNotFoundException"
            break
        time.sleep(0.05)
    else:
        pytest.fail("still there after 20 s")
    assert code_of(runtime.invoke, payload={}) == "ResourceNotFoundException"
    assert code_of(
        control.list_tags_for_resource, resourceArn=runtime.arn) == "ResourceNotFoundException"
    agents.deploy(daemon, agents.PUPPET_FILES, name="gone").delete()


def test_tags(puppet, control):
    control.tag_resource(resourceArn=puppet.arn, tags={"a": "1", "b": "2"})
    control.tag_resource(resourceArn=puppet.arn, tags={"b": "3"})
    assert control.list_tags_for_resource(resourceArn=puppet.arn)["tags"] == {"a": "1", "b": "3"}
    control.untag_resource(resourceArn=puppet.arn, tagKeys=["a", "b"])
    assert control.list_tags_for_resource(resourceArn=puppet.arn)["tags"] == {}


def test_unknown_runtimes_are_not_found(daemon, control):
    missing = "missing-0123456789"
    assert code_of(
        control.get_agent_runtime, agentRuntimeId=missing) == "ResourceNotFoundException"
    arn = f"arn:aws:bedrock-agentcore:us-west-2:000000000000:runtime/{missing}"
    data = daemon.client("bedrock-agentcore")
    assert code_of(
        data.invoke_agent_runtime, agentRuntimeArn=arn, payload=b"{}",
        runtimeSessionId=agents.session_id()) == "ResourceNotFoundException"


SLIP = agents.zip_of({"../../outside.py": "x = 1", "agent.py": "pass"})
UNINSTALLABLE = {"agent.py": "pass", "requirements.txt": "no-such-package==9.9.9\n"}
BAD_CODE = {
    "not_a_zip": (b"this is no archive", "zip"),
    "zip_slip": (SLIP, "outside"),
    "no_entry_point": ({"other.py": "pass"}, "agent.py"),
    "syntax_error": ({"agent.py": "def broken(:\n    pass\n"}, "SyntaxError"),
    "uninstallable": (UNINSTALLABLE, "no-such-package"),
}


@pytest.mark.parametrize("name", BAD_CODE)
def test_create_fails_with_its_reason(daemon, name):
    files, said = BAD_CODE[name]
    runtime = agents.create(daemon, files, name=f"bad_{name}")
    found = runtime.wait()
    assert found["status"] == "CREATE_FAILED"
    assert said.lower() in found["failureReason"].lower(), found["failureReason"]
    runtime.delete()


def test_create_fails_when_the_object_is_missing(daemon, control):
    agents.upload(daemon, b"")
    created = control.create_agent_runtime(
        agentRuntimeName="bad_object", agentRuntimeArtifact=agents.artifact("no/such/key.zip"),
        roleArn=agents.ROLE, networkConfiguration={"networkMode": "PUBLIC"})
    runtime = agents.Runtime(daemon, created)
    found = runtime.wait()
    assert found["status"] == "CREATE_FAILED"
    assert "no/such/key.zip" in found["failureReason"]
    runtime.delete()
