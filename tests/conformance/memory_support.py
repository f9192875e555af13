"""What the tests of Memory share: clients, memories and short ways to say things."""
import os
import uuid

import pytest
from botocore.exceptions import ClientError

FACTS = "/facts/{actorId}"


def code_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def name_of(test):
    return f"{test}_{uuid.uuid4().hex[:8]}"


def said(text, role="USER"):
    return {"conversational": {"content": {"text": text}, "role": role}}


@pytest.fixture(scope="module")
def control(daemon):
    return daemon.client("bedrock-agentcore-control")


@pytest.fixture(scope="module")
def data(daemon):
    return daemon.client("bedrock-agentcore")


@pytest.fixture(scope="module")
def environment(daemon):
    """For clients that read it: this process pointed at the daemon."""
    before = dict(os.environ)
    os.environ.update(daemon.env)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def memory(control):
    made = control.create_memory(name=name_of("plain"), eventExpiryDuration=7)["memory"]["id"]
    yield made
    control.delete_memory(memoryId=made)


@pytest.fixture
def learning(control):
    """A memory with a strategy of each kind that makes records."""
    made = control.create_memory(
        name=name_of("learning"), eventExpiryDuration=30, memoryStrategies=[
            {"semanticMemoryStrategy": {"name": "facts", "namespaceTemplates": [FACTS]}},
            {"userPreferenceMemoryStrategy": {
                "name": "likes", "namespaceTemplates": ["/likes/{actorId}"]}},
            {"summaryMemoryStrategy": {
                "name": "summaries", "namespaceTemplates": ["/summaries/{actorId}/{sessionId}"]}},
            {"episodicMemoryStrategy": {
                "name": "episodes", "namespaceTemplates": ["/episodes/{actorId}/{sessionId}"],
                "reflectionConfiguration": {"namespaceTemplates": ["/episodes/{actorId}"]}}},
        ])["memory"]["id"]
    yield made
    control.delete_memory(memoryId=made)


def add(data, memory, text, when=1_700_000_000, actor="kim", session="s1", **more):
    return data.create_event(memoryId=memory, actorId=actor, sessionId=session,
                             eventTimestamp=when, payload=[said(text)], **more)["event"]


def listed(data, memory, **more):
    return data.list_events(memoryId=memory, actorId="kim", sessionId="s1", **more)["events"]


def texts(events):
    return [event["payload"][0]["conversational"]["content"]["text"] for event in events]


def found(data, memory, namespace, query, **criteria):
    answer = data.retrieve_memory_records(memoryId=memory, namespace=namespace, searchCriteria={
        "searchQuery": query, **criteria})
    return [record for record in answer["memoryRecordSummaries"] if record["score"] > 0]
