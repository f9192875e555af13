"""Every operation of Runtime at least once, by boto3 and by the AWS SDK for JavaScript. Which ones
there are is what the installed SDKs say: an operation that a newer SDK brings fails these tests
until somebody drives it."""
import json
import subprocess

import botocore.session
import pytest
from botocore.exceptions import ClientError

import agents
import probe_identity
import probes
from daemon import ROOT

# By path: the operations of this family, and those on resources that it shares with others.
PATHS = ("/runtimes/", "/capacity-providers", "/tags/", "/resourcepolicy/")
# Machines of Amazon EC2 for runtimes, which are not built here: they answer so.
UNBUILT = {"CreateCapacityProvider", "DeleteCapacityProvider", "DeleteCapacityProviderSession",
           "GetCapacityProvider", "ListAgentRuntimeVersionsByCapacityProvider",
           "ListCapacityProviders", "UpdateCapacityProvider"}
SERVICES = ("bedrock-agentcore-control", "bedrock-agentcore")


def family():
    session = botocore.session.Session()
    models = [session.get_service_model(service) for service in SERVICES]
    return {name for model in models for name in model.operation_names
            if model.operation_model(name).http["requestUri"].startswith(PATHS)}


def unbuilt_inputs():
    return {name: probes.minimal(probes.all_operations()[name].input_shape) for name in UNBUILT}


class Recorded:
    """boto3's clients, and what they were answered with."""

    def __init__(self, daemon):
        self.answered = {}
        self.clients = [daemon.client(service) for service in SERVICES]
        for client in self.clients:
            client.meta.events.register("after-call.*", self.note)

    def note(self, http_response, model, **_):
        self.answered.setdefault(model.name, []).append(http_response.status_code)

    def client_of(self, operation):
        return next(c for c in self.clients if operation in c.meta.method_to_api_mapping.values())

    def __call__(self, operation, **arguments):
        client = self.client_of(operation)
        method = next(name for name, api in client.meta.method_to_api_mapping.items()
                      if api == operation)
        return getattr(client, method)(**arguments)


def ready(call, runtime):
    found = runtime.wait()
    assert found["status"] == "READY", found.get("failureReason")
    return call("GetAgentRuntime", agentRuntimeId=runtime.id)


def drive_runtime(call, daemon, code):
    common = {"agentRuntimeArtifact": code, "roleArn": agents.ROLE,
              "networkConfiguration": {"networkMode": "PUBLIC"}}
    created = call("CreateAgentRuntime", agentRuntimeName="every_operation", **common)
    runtime = agents.Runtime(daemon, created)
    assert ready(call, runtime)["agentRuntimeVersion"] == "1"
    call("UpdateAgentRuntime", agentRuntimeId=runtime.id, description="second", **common)
    assert ready(call, runtime)["description"] == "second"
    listed = call("ListAgentRuntimes", maxResults=100)["agentRuntimes"]
    assert runtime.id in {one["agentRuntimeId"] for one in listed}
    versions = call("ListAgentRuntimeVersions", agentRuntimeId=runtime.id)["agentRuntimes"]
    assert {one["agentRuntimeVersion"] for one in versions} == {"1", "2"}
    return runtime


def drive_endpoints(call, runtime):
    at = {"agentRuntimeId": runtime.id}
    call("CreateAgentRuntimeEndpoint", name="blue", agentRuntimeVersion="1", **at)
    call("UpdateAgentRuntimeEndpoint", endpointName="blue", agentRuntimeVersion="2", **at)
    found = call("GetAgentRuntimeEndpoint", endpointName="blue", **at)
    assert found["liveVersion"] == "2"
    listed = call("ListAgentRuntimeEndpoints", **at)["runtimeEndpoints"]
    assert {one["name"] for one in listed} == {"blue", "DEFAULT"}
    call("DeleteAgentRuntimeEndpoint", endpointName="blue", **at)


def drive_shared(call, arn):
    call("TagResource", resourceArn=arn, tags={"one": "1", "two": "2"})
    call("UntagResource", resourceArn=arn, tagKeys=["one"])
    assert call("ListTagsForResource", resourceArn=arn)["tags"] == {"two": "2"}
    policy = probe_identity.policy_of(arn)
    call("PutResourcePolicy", resourceArn=arn, policy=policy)
    assert json.loads(call("GetResourcePolicy", resourceArn=arn)["policy"]) == json.loads(policy)
    call("DeleteResourcePolicy", resourceArn=arn)


def drive_session(call, arn):
    at = {"agentRuntimeArn": arn, "runtimeSessionId": agents.session_id()}
    answer = call("InvokeAgentRuntime", contentType="application/json",
                  payload=json.dumps({"do": "echo", "text": "Hello"}), **at)
    assert json.loads(answer["response"].read())["echo"]["text"] == "Hello"
    ran = call("InvokeAgentRuntimeCommand", body={"command": "echo out; exit 3"}, **at)
    chunks = [event["chunk"] for event in ran["stream"]]
    assert "".join(c["contentDelta"].get("stdout", "") for c in chunks
                   if "contentDelta" in c) == "out\n"
    assert chunks[-1]["contentStop"]["exitCode"] == 3
    assert call("StopRuntimeSession", **at)["statusCode"] == 200


def test_boto3_drives_every_operation(daemon, carded):
    call = Recorded(daemon)
    runtime = drive_runtime(call, daemon, agents.upload(
        daemon, agents.zip_of(agents.PUPPET_FILES)))
    drive_endpoints(call, runtime)
    drive_shared(call, runtime.arn)
    drive_session(call, runtime.arn)
    card = call("GetAgentCard", agentRuntimeArn=carded.arn,
                runtimeSessionId=agents.session_id())
    assert card["agentCard"] == agents.CARD and card["statusCode"] == 200
    assert call("DeleteAgentRuntime", agentRuntimeId=runtime.id)["status"] == "DELETING"
    succeeded = {name for name, codes in call.answered.items() if max(codes) < 300}
    for operation, given in unbuilt_inputs().items():
        with pytest.raises(ClientError, match=operation) as refused:
            call(operation, **given)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] >= 400
    assert family() - succeeded == UNBUILT
    assert family() == set(call.answered)


@pytest.fixture(scope="module")
def carded(deployed):
    return deployed(agents.CARD_FILES, name="every_card",
                    protocolConfiguration={"serverProtocol": "A2A"})


def test_what_is_not_built_is_said_to_be_so():
    listed = (ROOT / "src/wire/not_implemented.txt").read_text().split()
    assert family() & set(listed) == UNBUILT


def test_the_javascript_sdk_drives_every_operation(daemon, carded):
    given = {"artifact": agents.upload(daemon, agents.zip_of(agents.PUPPET_FILES)),
             "role": agents.ROLE, "carded": carded.arn, "card": agents.CARD,
             "unbuilt": unbuilt_inputs(), "session": agents.session_id()}
    done = subprocess.run(
        [ROOT / "build/venv/bin/node", ROOT / "tests/conformance/js/operations/runtime.mjs"],
        env={**daemon.command_environment(), "GIVEN": json.dumps(given)}, text=True,
        capture_output=True, stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout
