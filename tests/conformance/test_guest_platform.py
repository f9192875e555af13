"""What an agent reaches from inside its sandbox: the platform's API, as itself, with no secret."""
import boto3
import botocore.exceptions
import pytest

import agents

CALLER = '''
import json, os, urllib.request, urllib.error
from serve import serve

def plain(order):
    request = urllib.request.Request(
        os.environ["AWS_ENDPOINT_URL"] + order["path"], method=order.get("method", "GET"),
        data=order["body"].encode() if "body" in order else None,
        headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return {"status": answer.status, "body": answer.read().decode()}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "body": error.read().decode()}

def signed(order):
    import boto3
    client = boto3.client(order["service"])
    try:
        answer = getattr(client, order["call"])(**order.get("arguments", {}))
    except client.exceptions.ClientError as error:
        return {"error": error.response["Error"]}
    answer.pop("ResponseMetadata")
    return {"answer": json.loads(json.dumps(answer, default=str))}

def answer(request):
    order = json.loads(request.read())
    return plain(order) if "path" in order else signed(order)

serve(answer)
'''
FILES = {"agent.py": CALLER, "serve.py": agents.SERVE}


def test_an_agent_reaches_the_api_unsigned(deployed):
    caller = deployed(FILES)
    answer = caller.invoke({"path": "/memories/", "method": "POST", "body": "{}"})
    assert answer["status"] == 200, answer
    assert '"memories"' in answer["body"]


def test_stock_clients_in_an_agent_need_no_configuration(deployed):
    caller = deployed({**FILES, "requirements.txt": "boto3\n"})
    session = agents.session_id()
    who = caller.invoke({"service": "sts", "call": "get_caller_identity"}, session)["answer"]
    assert who["Account"] == "000000000000"
    assert who["Arn"].endswith(f":assumed-role/agent/BedrockAgentCore-{session}")
    memories = caller.invoke({"service": "bedrock-agentcore-control", "call": "list_memories"})
    assert memories["answer"]["memories"] == []


def test_the_key_of_agents_is_worth_nothing_elsewhere(daemon, deployed):
    caller = deployed(agents.PUPPET_FILES)
    inside = caller.invoke({"do": "environment"})["environment"]
    outside = boto3.client(
        "bedrock-agentcore-control", endpoint_url=daemon.endpoint, region_name="us-west-2",
        aws_access_key_id=inside["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=inside["AWS_SECRET_ACCESS_KEY"])
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        outside.list_memories()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_an_agent_calls_models_in_every_api_without_a_key(deployed):
    caller = deployed(FILES)
    chat = '{"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}'
    for path in ("/v1/chat/completions", "/v1/messages"):
        answer = caller.invoke({"path": path, "method": "POST", "body": chat})
        assert answer["status"] == 200, answer
        assert "You said: Hi" in answer["body"]
