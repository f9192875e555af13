"""What no client should send to the model fronts: never a 500, never a hang, always an error in the
envelope of the API, and the daemon goes on."""
import base64
import copy
import http.client
import json
import random

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from daemon import REGION
from test_models_openai import cli

SEED = 20260719
TOOL = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
CONVERSE = {
    "messages": [
        {"role": "user", "content": [
            {"text": "Hi"}, {"image": {"format": "png", "source": {"bytes": "iVBORw=="}}},
            {"document": {"format": "txt", "name": "n", "source": {"bytes": "aGk="}}}]},
        {"role": "assistant", "content": [
            {"toolUse": {"toolUseId": "1", "name": "t", "input": {"x": "y"}}}]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "1", "content": [{"text": "z"}, {"json": {"a": 1}}]}}]}],
    "system": [{"text": "s"}], "inferenceConfig": {"maxTokens": 5, "stopSequences": ["a"]},
    "toolConfig": {"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": TOOL}}}],
                   "toolChoice": {"any": {}}},
    "additionalModelRequestFields": {"top_k": 5},
    "additionalModelResponseFieldPaths": ["/stop_sequence"],
}
OPENAI = {
    "model": "m", "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {
            "type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "t", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "z"}],
    "tools": [{"type": "function", "function": {"name": "t", "parameters": TOOL}}],
    "tool_choice": {"type": "function", "function": {"name": "t"}}, "stop": ["a"], "n": 1,
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": TOOL}},
    "stream_options": {"include_usage": True}, "max_tokens": 5, "temperature": 1,
}
CLAUDE = {
    "anthropic_version": "bedrock-2023-05-31", "model": "m", "max_tokens": 5, "system": [
        {"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image", "source": {
            "type": "base64", "media_type": "image/png", "data": "iVBORw=="}}]},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "1", "name": "t", "input": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text",
                                                                    "text": "z"}]}]}],
    "tools": [{"name": "t", "input_schema": TOOL}], "tool_choice": {"type": "auto"},
    "thinking": {"type": "enabled", "budget_tokens": 5},
}
EMBED = {"model": "m", "input": ["a"], "encoding_format": "float"}
TITAN = {"inputText": "a", "dimensions": 256, "normalize": True, "embeddingTypes": ["float"]}
COHERE = {"texts": ["a"], "input_type": "search_query", "embedding_types": ["int8"],
          "truncate": "END"}
NOVA = {"schemaVersion": "messages-v1", "inferenceConfig": {"max_new_tokens": 5},
        "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
TARGETS = [
    ("/model/m/converse", CONVERSE), ("/model/m/converse-stream", CONVERSE),
    ("/model/m/invoke", CLAUDE), ("/model/m/invoke-with-response-stream", CLAUDE),
    ("/model/m/invoke", TITAN), ("/model/m/invoke", COHERE), ("/model/m/invoke", NOVA),
    ("/model/m/invoke", {"prompt": "Hi", "max_gen_len": 5}),
    ("/model/m/count-tokens", {"input": {"converse": {"messages": CONVERSE["messages"][:1]}}}),
    ("/v1/chat/completions", OPENAI), ("/v1/embeddings", EMBED), ("/v1/messages", CLAUDE),
    ("/v1/messages/count_tokens", CLAUDE),
]
# In place of any value.
ODD = [None, True, 0, -1, 1e300, 2**63, "", " ", "\x00", "\ud83d\ude00" * 50, "x" * 70_000, [], {},
       [[]], [None], [1, "a"], {"a": None}, {"": ""}, {"type": "object"}, {"text": 5}]
BROKEN = [b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b'{"messages":' + b"[" * 500,
          b'{"messages":[]}' * 2, b'{"a":1,"a":2}', b"[" * 200_000]


def paths_of(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ())
    for name, inner in items:
        yield from paths_of(inner, path + (name,))


def changed(body, path, value):
    if not path:
        return value
    out = copy.deepcopy(body)
    inner = out
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return out


class Sender:
    def __init__(self, daemon, key):
        self.daemon, self.key = daemon, key
        self.credentials = Credentials(daemon.env["AWS_ACCESS_KEY_ID"],
                                       daemon.env["AWS_SECRET_ACCESS_KEY"])
        self.connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)

    def send(self, target, body):
        headers = {"Content-Type": "application/json"}
        if target.startswith("/v1/"):
            headers["Authorization"] = f"Bearer {self.key}"
        else:
            request = AWSRequest("POST", self.daemon.endpoint + target, headers, body)
            SigV4Auth(self.credentials, "bedrock", REGION).add_auth(request)
            headers = dict(request.headers.items())
        self.connection.request("POST", target, body, headers)
        response = self.connection.getresponse()
        return response.status, response.read()


@pytest.fixture(scope="module")
def sender(daemon):
    return Sender(daemon, cli(daemon, "models", "key", "create", "hostile"))


def complaint(target, body, status, answer):
    if status == 200:
        return None
    if status not in (400, 404, 413, 422):
        return f"{target} {body[:300]!r}: {status} {answer[:300]!r}"
    told = json.loads(answer)
    message = told.get("message") or told.get("error", {}).get("message")
    return None if message else f"{target} {body[:300]!r}: no message in {answer[:300]!r}"


@pytest.mark.parametrize("target,good", TARGETS, ids=lambda value: value if isinstance(
    value, str) else next(iter(value)))
def test_any_value_may_be_wrong(daemon, sender, target, good):
    status, answer = sender.send(target, json.dumps(good).encode())
    assert status == 200, answer
    rng = random.Random(SEED)
    complaints = []
    for path in paths_of(good):
        for value in [rng.choice(ODD) for _ in range(4)]:
            body = json.dumps(changed(good, path, value)).encode()
            problem = complaint(target, body, *sender.send(target, body))
            if problem:
                complaints.append(problem)
    for body in BROKEN:
        status, answer = sender.send(target, body)
        if status not in (400, 413):
            complaints.append(f"{target} {body[:40]!r}: {status} {answer[:200]!r}")
    assert not complaints, f"{len(complaints)}, seed {SEED}:\n" + "\n".join(complaints[:15])
    assert daemon.running()


def test_large_bodies_are_bounded(daemon, sender):
    image = base64.b64encode(bytes(30_000_000)).decode()
    body = json.dumps({"messages": [{"role": "user", "content": [
        {"text": "x"}, {"image": {"format": "png", "source": {"bytes": image}}}]}]}).encode()
    status, answer = sender.send("/model/m/converse", body)
    assert status in (400, 413), answer[:300]
    assert daemon.running()
