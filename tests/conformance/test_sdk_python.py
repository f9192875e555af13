"""The AgentCore SDK for Python, as far as environment variables alone point it here."""
import json
import os
import subprocess
import sys

import pytest

import agents

PROGRAM = """
import json, sys
from bedrock_agentcore.runtime import AgentCoreRuntimeClient

artifact, role = json.loads(sys.argv[1]), sys.argv[2]
client = AgentCoreRuntimeClient(region="us-west-2")
created = client.create_agent_runtime_and_wait(
    agentRuntimeName="from_sdk", agentRuntimeArtifact=artifact, roleArn=role,
    networkConfiguration={"networkMode": "PUBLIC"})
assert created["status"] == "READY", created
arn, identifier = created["agentRuntimeArn"], created["agentRuntimeId"]

endpoint = client.create_agent_runtime_endpoint_and_wait(agentRuntimeId=identifier, name="blue")
assert endpoint["status"] == "READY", endpoint

answer = client.invoke_agent_runtime(
    agentRuntimeArn=arn, qualifier="blue", contentType="application/json",
    payload=json.dumps({"do": "echo", "text": "Hello"}))
assert json.loads(answer["response"].read())["echo"]["text"] == "Hello"

client.delete_agent_runtime_endpoint(agentRuntimeId=identifier, endpointName="blue")
client.delete_agent_runtime_and_wait(agentRuntimeId=identifier)
print("done")
"""


@pytest.fixture(scope="module")
def run(daemon):
    def run_program(text, *arguments):
        return subprocess.run(
            [sys.executable, "-c", text, *arguments], env=daemon.command_environment(), text=True,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=200)
    return run_program


def test_the_runtime_client_deploys_invokes_and_deletes(daemon, run):
    code = agents.upload(daemon, agents.zip_of(agents.PUPPET_FILES))
    done = run(PROGRAM, json.dumps(code), agents.ROLE)
    assert done.stdout == "done\n", done.stderr


def test_the_app_streams_from_an_async_generator(deployed):
    stream = """
import asyncio
from bedrock_agentcore import BedrockAgentCoreApp

app = BedrockAgentCoreApp()
gates = {}

def gate(number):
    return gates.setdefault(number, asyncio.Event())

@app.entrypoint
async def invoke(payload):
    if "open" in payload:
        gate(payload["open"]).set()
        yield {"opened": payload["open"]}
        return
    for number in range(3):
        yield {"token": number}
        await gate(number).wait()

app.run()
"""
    runtime = deployed({**agents.APP_FILES, "agent.py": stream}, name="app_stream")
    session = agents.session_id()
    response = runtime.open({"prompt": "go"}, session)
    assert response["contentType"].startswith("text/event-stream")
    for number in range(3):
        assert agents.next_event(response) == {"token": number}
        runtime.invoke({"open": number}, session)
    assert response["response"].read() == b""


def test_a_busy_app_is_not_idled_out_of_its_answer(app):
    session = agents.session_id()
    for number in range(3):
        assert app.invoke({"prompt": str(number)}, session)["message"] == f"You said: {number}"


def test_no_setting_of_the_test_environment_reaches_an_agent(app, puppet):
    environment = puppet.invoke({"do": "environment"})["environment"]
    for name in os.environ:
        if name.startswith(("PIP_", "npm_", "CCACHE_")):
            assert name not in environment
