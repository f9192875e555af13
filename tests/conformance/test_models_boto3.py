"""Amazon Bedrock Runtime and its catalogue, by stock boto3, on scripted models."""
import json
import threading
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

import models_config
from conftest import served
from daemon import REGION

MODEL = "us.anthropic.claude-3-7-sonnet-20250219-v1:0"
WEATHER = {"toolSpec": {"name": "weather", "description": "The weather", "inputSchema": {"json": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}}


@pytest.fixture(scope="module")
def runtime(daemon):
    return daemon.client("bedrock-runtime")


@pytest.fixture(scope="module")
def bedrock(daemon):
    return daemon.client("bedrock")


def user(*content):
    return {"role": "user", "content": [{"text": c} if isinstance(c, str) else c for c in content]}


def events(answer):
    return list(answer["stream"])


def text_of(stream_events):
    return "".join(event["contentBlockDelta"]["delta"].get("text", "")
                   for event in stream_events if "contentBlockDelta" in event)


def test_converse(runtime):
    answer = runtime.converse(modelId=MODEL, messages=[user("Hello there")],
                              system=[{"text": "Be kind."}],
                              inferenceConfig={"maxTokens": 100, "temperature": 0.5, "topP": 0.9,
                                               "stopSequences": ["END"]})
    assert answer["output"]["message"] == {
        "role": "assistant", "content": [{"text": "You said: Hello there"}]}
    assert answer["stopReason"] == "end_turn"
    usage = answer["usage"]
    assert usage["inputTokens"] > 0 and usage["outputTokens"] > 0
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"]
    assert answer["metrics"]["latencyMs"] >= 0
    assert answer["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize("model", [
    "...", "amazon.nova-lite-v1:0", "qwen2.5:7b", "openai/gpt-oss-20b", "model_with_underscore",
    "arn:aws:bedrock:us-west-2:000000000000:inference-profile/us.anthropic.claude-3-haiku",
    "arn:aws:bedrock:us-west-2::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"])
def test_any_model_id_is_served(runtime, model):
    answer = runtime.converse(modelId=model, messages=[user("x")])
    assert answer["output"]["message"]["content"] == [{"text": "You said: x"}]


def test_stream_has_bedrocks_events_in_order(runtime):
    stream = events(runtime.converse_stream(modelId=MODEL, messages=[user("one two")]))
    kinds = [next(iter(event)) for event in stream]
    deltas = len(kinds) - 4
    assert deltas >= 1
    assert kinds == ["messageStart", *["contentBlockDelta"] * deltas, "contentBlockStop",
                     "messageStop", "metadata"]
    assert stream[0] == {"messageStart": {"role": "assistant"}}
    assert text_of(stream) == "You said: one two"
    assert stream[-2] == {"messageStop": {"stopReason": "end_turn"}}
    metadata = stream[-1]["metadata"]
    assert set(metadata["usage"]) >= {"inputTokens", "outputTokens", "totalTokens"}
    assert metadata["metrics"]["latencyMs"] >= 0


def test_a_tool_is_called_and_its_result_read(runtime):
    messages = [user("What is the weather?")]
    tools = {"tools": [WEATHER], "toolChoice": {"auto": {}}}
    answer = runtime.converse(modelId=MODEL, messages=messages, toolConfig=tools)
    assert answer["stopReason"] == "tool_use"
    message = answer["output"]["message"]
    call = message["content"][1]["toolUse"]
    assert (call["name"], call["input"]) == ("weather", {"city": "Seoul"})
    messages += [message, {"role": "user", "content": [{"toolResult": {
        "toolUseId": call["toolUseId"], "content": [{"text": "rain"}], "status": "success"}}]}]
    answer = runtime.converse(modelId=MODEL, messages=messages, toolConfig=tools)
    assert answer["output"]["message"]["content"] == [{"text": "It says: rain"}]


def test_a_tool_call_streams(runtime):
    stream = events(runtime.converse_stream(
        modelId=MODEL, messages=[user("weather")], toolConfig={"tools": [WEATHER]}))
    starts = [event["contentBlockStart"] for event in stream if "contentBlockStart" in event]
    assert len(starts) == 1 and starts[0]["contentBlockIndex"] == 1
    assert starts[0]["start"]["toolUse"]["name"] == "weather"
    written = "".join(event["contentBlockDelta"]["delta"].get("toolUse", {}).get("input", "")
                      for event in stream if "contentBlockDelta" in event)
    assert json.loads(written) == {"city": "Seoul"}
    assert {"messageStop": {"stopReason": "tool_use"}} in stream


def test_reasoning_is_told_apart(runtime):
    answer = runtime.converse(modelId=MODEL, messages=[user("think")])
    assert answer["output"]["message"]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "Hm, hm.", "signature": "c2ln"}}},
        {"text": "Thought."}]
    stream = events(runtime.converse_stream(modelId=MODEL, messages=[user("think")]))
    reasoning = [event["contentBlockDelta"]["delta"]["reasoningContent"] for event in stream
                 if "reasoningContent" in event.get("contentBlockDelta", {}).get("delta", {})]
    assert "".join(part.get("text", "") for part in reasoning) == "Hm, hm."
    assert reasoning[-1] == {"signature": "c2ln"}


def test_images_and_documents_are_taken(runtime):
    png = bytes.fromhex("89504e470d0a1a0a0000000d49484452")
    answer = runtime.converse(modelId=MODEL, messages=[user(
        "look", {"image": {"format": "png", "source": {"bytes": png}}},
        {"document": {"format": "txt", "name": "notes", "source": {"bytes": b"some notes"}}})])
    assert answer["output"]["message"]["content"] == [{"text": "You said: look"}]


def test_structured_output(runtime):
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    answer = runtime.converse(modelId=MODEL, messages=[user("Who?")], outputConfig={"textFormat": {
        "type": "json_schema",
        "structure": {"jsonSchema": {"schema": json.dumps(schema), "name": "person"}}}})
    assert json.loads(answer["output"]["message"]["content"][0]["text"])["name"] == "Ada"


ERRORS = [("please throttle", "ThrottlingException", 429),
          ("please time out", "ModelTimeoutException", 408),
          ("please be away", "ServiceUnavailableException", 503),
          ("please fail", "ModelErrorException", 424),
          ("please get ready", "ModelNotReadyException", 429),
          ("please refuse", "AccessDeniedException", 403)]


@pytest.mark.parametrize("prompt,name,status", ERRORS)
def test_errors_arrive_typed(runtime, prompt, name, status):
    for call in (runtime.converse, runtime.converse_stream):
        with pytest.raises(getattr(runtime.exceptions, name)) as raised:
            call(modelId=MODEL, messages=[user(prompt)])
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 10,
                       "messages": [{"role": "user", "content": prompt}]})
    with pytest.raises(getattr(runtime.exceptions, name)):
        runtime.invoke_model(modelId=MODEL, body=body)


def test_a_stream_that_breaks_off_says_so(runtime):
    stream = runtime.converse_stream(
        modelId=MODEL, messages=[user("break in the middle")])["stream"]
    seen = []
    with pytest.raises(EventStreamError) as raised:
        for event in stream:
            seen.append(event)
    assert "messageStart" in seen[0]
    assert raised.value.response["Error"]["Code"] == "modelStreamErrorException"
    assert raised.value.response["Error"]["Message"]


def test_a_stream_is_passed_on_as_it_comes(runtime):
    began = time.monotonic()
    stream = runtime.converse_stream(modelId=MODEL, messages=[user("slow")])["stream"]
    first = next(iter(event for event in stream if "contentBlockDelta" in event))
    first_at = time.monotonic() - began
    rest = list(stream)
    assert first and rest
    assert first_at < (time.monotonic() - began) / 2


CLAUDE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 50}


def test_invoke_model_with_anthropics_messages(runtime):
    body = {**CLAUDE, "system": "Be brief.", "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hello"}]}]}
    answer = runtime.invoke_model(modelId=MODEL, body=json.dumps(body),
                                  contentType="application/json", accept="application/json")
    assert answer["contentType"] == "application/json"
    told = json.loads(answer["body"].read())
    assert told["content"] == [{"type": "text", "text": "You said: Hello"}]
    assert (told["type"], told["role"], told["stop_reason"]) == ("message", "assistant", "end_turn")
    assert told["usage"]["input_tokens"] > 0


def test_invoke_model_with_tools(runtime):
    tool = {"name": "weather", "description": "d", "input_schema": {
        "type": "object", "properties": {"city": {"type": "string"}}}}
    body = {**CLAUDE, "tools": [tool], "messages": [{"role": "user", "content": "weather"}]}
    told = json.loads(runtime.invoke_model(modelId=MODEL, body=json.dumps(body))["body"].read())
    assert told["stop_reason"] == "tool_use"
    call = told["content"][1]
    assert (call["type"], call["input"]) == ("tool_use", {"city": "Seoul"})
    body["messages"] += [{"role": "assistant", "content": told["content"]},
                         {"role": "user", "content": [{"type": "tool_result",
                                                       "tool_use_id": call["id"],
                                                       "content": "rain"}]}]
    told = json.loads(runtime.invoke_model(modelId=MODEL, body=json.dumps(body))["body"].read())
    assert told["content"][0]["text"] == "It says: rain"


def test_invoke_model_with_response_stream(runtime):
    body = {**CLAUDE, "messages": [{"role": "user", "content": "Hello"}]}
    answer = runtime.invoke_model_with_response_stream(modelId=MODEL, body=json.dumps(body))
    assert answer["contentType"] == "application/json"
    chunks = [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]
    assert [chunk["type"] for chunk in chunks][:2] == ["message_start", "content_block_start"]
    assert "".join(chunk["delta"]["text"] for chunk in chunks
                   if chunk["type"] == "content_block_delta") == "You said: Hello"
    assert chunks[-1]["type"] == "message_stop"
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] > 0


def test_embeddings(runtime):
    def invoke(model, body):
        return json.loads(runtime.invoke_model(modelId=model, body=json.dumps(body))["body"].read())
    titan = invoke("amazon.titan-embed-text-v2:0", {"inputText": "Hello"})
    assert len(titan["embedding"]) == 64 and titan["inputTextTokenCount"] > 0
    assert titan["embeddingsByType"]["float"] == titan["embedding"]
    assert abs(sum(x * x for x in titan["embedding"]) - 1) < 1e-3
    assert len(invoke("amazon.titan-embed-text-v1", {"inputText": "Hello"})["embedding"]) == 64
    cohere = invoke("cohere.embed-multilingual-v3", {
        "texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float", "int8"]})
    assert len(cohere["embeddings"]["float"]) == len(cohere["embeddings"]["int8"]) == 2
    plain = invoke("cohere.embed-english-v3", {"texts": ["a"], "input_type": "search_query"})
    assert len(plain["embeddings"]) == 1 and plain["response_type"] == "embeddings_floats"


def test_other_bodies(runtime):
    def invoke(model, body):
        return json.loads(runtime.invoke_model(modelId=model, body=json.dumps(body))["body"].read())
    nova = invoke("amazon.nova-lite-v1:0", {
        "schemaVersion": "messages-v1", "messages": [user("Hi")],
        "inferenceConfig": {"max_new_tokens": 10}})
    assert nova["output"]["message"]["content"] == [{"text": "You said: Hi"}]
    titan = invoke("amazon.titan-text-express-v1", {"inputText": "Hi"})
    assert titan["results"][0]["outputText"] == "You said: Hi"
    llama = invoke("meta.llama3-8b-instruct-v1:0", {"prompt": "Hi", "max_gen_len": 5})
    assert llama["generation"] == "You said: Hi"
    with pytest.raises(runtime.exceptions.ValidationException, match="Cohere"):
        invoke("some.model", {"what": "is this"})
    stream = runtime.invoke_model_with_response_stream(
        modelId="meta.llama3-8b-instruct-v1:0", body=json.dumps({"prompt": "Hi"}))["body"]
    chunks = [json.loads(event["chunk"]["bytes"]) for event in stream]
    assert "".join(chunk["generation"] for chunk in chunks) == "You said: Hi"
    assert chunks[-1]["stop_reason"] == "stop"


def test_count_tokens(runtime):
    count = runtime.count_tokens(modelId=MODEL, input={"converse": {
        "messages": [user("Hello there")], "system": [{"text": "x"}]}})["inputTokens"]
    assert count > 0
    body = json.dumps({**CLAUDE, "messages": [{"role": "user", "content": "Hello there"}]})
    counted = runtime.count_tokens(modelId=MODEL, input={"invokeModel": {"body": body}})
    assert counted["inputTokens"] > 0


def test_the_catalogue(bedrock):
    models = bedrock.list_foundation_models()["modelSummaries"]
    ids = {model["modelId"] for model in models}
    assert "anthropic.claude-3-7-sonnet-20250219-v1:0" in ids
    embedding = bedrock.list_foundation_models(byOutputModality="EMBEDDING")["modelSummaries"]
    assert embedding and all(model["outputModalities"] == ["EMBEDDING"] for model in embedding)
    one = bedrock.get_foundation_model(modelIdentifier="amazon.nova-lite-v1:0")["modelDetails"]
    assert bedrock.get_foundation_model(modelIdentifier=one["modelArn"])["modelDetails"] == one
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_foundation_model(modelIdentifier="no.such-model")
    profiles = [profile for page in bedrock.get_paginator("list_inference_profiles").paginate(
        PaginationConfig={"PageSize": 3}) for profile in page["inferenceProfileSummaries"]]
    assert MODEL in {profile["inferenceProfileId"] for profile in profiles}
    got = bedrock.get_inference_profile(inferenceProfileIdentifier=MODEL)
    assert got["status"] == "ACTIVE" and got["type"] == "SYSTEM_DEFINED"


def test_what_bedrock_has_besides_says_its_name(runtime, bedrock):
    with pytest.raises(ClientError, match="ApplyGuardrail is not implemented"):
        runtime.apply_guardrail(guardrailIdentifier="x", guardrailVersion="1", source="INPUT",
                                content=[{"text": {"text": "x"}}])
    with pytest.raises(ClientError, match="ListGuardrails is not implemented"):
        bedrock.list_guardrails()


def test_a_caller_that_leaves_ends_the_models_work(tmp_path_factory):
    """The only place of the provider is free again as soon as its caller has gone."""
    config = models_config.write(tmp_path_factory.mktemp("one"), provider={
        "concurrency_max": 1, "queue_timeout_seconds": 20})
    with served(arguments=["--config", config]) as alone:
        client = alone.client("bedrock-runtime")
        for _ in range(3):
            stream = client.converse_stream(modelId=MODEL, messages=[user("hang")])["stream"]
            assert "messageStart" in next(iter(stream))
            stream.close()
        impatient = boto3.client(
            "bedrock-runtime", endpoint_url=alone.endpoint, region_name=REGION,
            aws_access_key_id=alone.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=alone.env["AWS_SECRET_ACCESS_KEY"],
            config=Config(read_timeout=0.5, retries={"total_max_attempts": 1}))
        with pytest.raises(Exception, match="[Tt]imeout"):
            impatient.converse(modelId=MODEL, messages=[user("hang")])
        began = time.monotonic()
        assert client.converse(modelId=MODEL, messages=[user("still there?")])
        assert time.monotonic() - began < 10


def test_many_streams_at_once(runtime):
    answers = [None] * 16

    def ask(i):
        answers[i] = text_of(events(runtime.converse_stream(modelId=MODEL,
                                                            messages=[user(f"number {i}")])))
    threads = [threading.Thread(target=ask, args=[i]) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == [f"You said: number {i}" for i in range(16)]
