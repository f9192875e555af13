"""Memory with the AgentCore SDK: MemoryClient, MemorySessionManager."""
import asyncio
import datetime
import time

import pytest
from botocore.exceptions import ClientError

from daemon import eventually
from memory_support import (  # noqa: F401
    control, data, environment, learning, memory, name_of)


def test_memory_client(environment):
    from bedrock_agentcore.memory import MemoryClient
    client = MemoryClient(region_name="us-west-2")
    began = time.monotonic()
    memory = client.create_memory_and_wait(
        name=name_of("sdk"), strategies=[], event_expiry_days=7)
    assert time.monotonic() - began < 5
    identifier = memory["id"]
    client.create_event(memory_id=identifier, actor_id="kim", session_id="s1",
                        messages=[("I like hiking", "USER"), ("Noted", "ASSISTANT")])
    client.create_event(memory_id=identifier, actor_id="kim", session_id="s1",
                        messages=[("And swimming", "USER"), ("Noted too", "ASSISTANT")])
    turns = client.get_last_k_turns(memory_id=identifier, actor_id="kim", session_id="s1", k=1)
    assert [m["content"]["text"] for m in turns[0]] == ["And swimming", "Noted too"]
    events = client.list_events(identifier, "kim", "s1")
    fork = client.fork_conversation(
        memory_id=identifier, actor_id="kim", session_id="s1", root_event_id=events[-1]["eventId"],
        branch_name="other", new_messages=[("And skiing", "USER")])
    assert fork["branch"]["name"] == "other"
    assert {b["name"] for b in client.list_branches(identifier, "kim", "s1")} == {"main", "other"}
    added = client.add_semantic_strategy_and_wait(
        identifier, "facts", namespaces=["/facts/{actorId}"])
    assert [s["name"] for s in added["strategies"]] == ["facts"]
    client.create_event(memory_id=identifier, actor_id="kim", session_id="s1",
                        messages=[("I live in Busan near the sea", "USER")])
    assert eventually(lambda: client.retrieve_memories(
        memory_id=identifier, namespace="/facts/kim", query="Where is home?"), 10)
    assert client.create_or_get_memory(
        name=identifier.rsplit("-", 1)[0], strategies=[])["id"] == identifier
    client.delete_memory_and_wait(identifier, poll_interval=1)


def test_session_manager(environment, memory):
    from bedrock_agentcore.memory.constants import ConversationalMessage, MessageRole
    from bedrock_agentcore.memory.session import MemorySessionManager
    manager = MemorySessionManager(memory_id=memory, region_name="us-west-2")
    session = manager.create_memory_session(actor_id="kim", session_id="s1")
    for i in range(3):
        session.add_turns([ConversationalMessage(f"question {i}", MessageRole.USER),
                           ConversationalMessage(f"answer {i}", MessageRole.ASSISTANT)])
    turns = session.get_last_k_turns(k=2)
    assert [turn[0]["content"]["text"] for turn in turns] == ["question 2", "question 1"]
    assert [actor["actorId"] for actor in session.list_actors()] == ["kim"]
    assert session.list_long_term_memory_records(namespace="/none") == []


def test_memory_client_turns_branches_and_waiting(environment, learning):
    from bedrock_agentcore.memory import MemoryClient
    client = MemoryClient(region_name="us-west-2")
    where = {"memory_id": learning, "actor_id": "kim", "session_id": "s1"}
    client.save_conversation(**where, messages=[("I live in Busan near the sea.", "USER")])
    assert client.wait_for_memories(learning, "/facts/kim", "Busan", max_wait=10, poll_interval=1)

    def answer(question, memories):
        return f"{question} {memories[0]['content']['text']}"
    memories, reply, event = client.process_turn_with_llm(
        **where, user_input="Where do I live?", llm_callback=answer,
        retrieval_namespace="/facts/kim")
    assert "Busan" in reply and memories[0]["score"] > 0 and event["eventId"]
    assert client.process_turn_with_llm(
        **where, user_input="And now?", llm_callback=answer,
        retrieval_namespace_path="/facts")[0], "below the path"
    client.create_blob_event(**where, blob_data={"state": [1, {"deep": None}]})
    turns = client.get_last_k_turns(**where, k=2, include_branches=False)
    assert [turn[0]["content"]["text"] for turn in turns] == ["And now?", "Where do I live?"]
    root = client.list_events(learning, "kim", "s1")[0]["eventId"]
    client.create_event(**where, messages=[("left", "USER")],
                        branch={"name": "left", "rootEventId": root})
    client.create_event(**where, messages=[("left again", "USER")], branch={"name": "left"})
    branch_events = client.list_branch_events(**where, branch_name="left")
    assert len(branch_events) == 2
    merged = client.merge_branch_context(**where, branch_name="left")
    assert merged[-1]["content"] == "left again"
    tree = client.get_conversation_tree(**where)
    assert len(tree["main_branch"]["branches"]["left"]["events"]) == 2
    branches = {branch["name"]: branch for branch in client.list_branches(learning, "kim", "s1")}
    assert branches["left"]["rootEventId"] == root and branches["left"]["eventCount"] == 2


def test_memory_client_strategies(environment, control):
    from bedrock_agentcore.memory import MemoryClient
    client = MemoryClient(region_name="us-west-2")
    made = client.create_memory_and_wait(name=name_of("strategies"), strategies=[])
    identifier = made["id"]
    client.add_summary_strategy_and_wait(identifier, "sums")
    client.add_user_preference_strategy_and_wait(identifier, "likes")
    client.add_episodic_strategy_and_wait(
        identifier, "episodes", reflection_namespaces=["/strategies/{memoryStrategyId}/"],
        namespaces=["/strategies/{memoryStrategyId}/actors/{actorId}/sessions/{sessionId}/"])
    client.add_custom_semantic_strategy_and_wait(
        identifier, "own", extraction_config={"prompt": "Boats only.", "modelId": "brain"},
        consolidation_config={"prompt": "Keep them.", "modelId": "brain"})
    strategies = {s["name"]: s for s in client.get_memory_strategies(identifier)}
    assert {s["type"] for s in strategies.values()} == {
        "SUMMARIZATION", "USER_PREFERENCE", "EPISODIC", "CUSTOM"}
    own = strategies["own"]
    assert own["configuration"]["type"] == "SEMANTIC_OVERRIDE"
    client.modify_strategy(identifier, own["strategyId"], description="changed")
    client.delete_strategy(identifier, strategies["likes"]["strategyId"])
    left = {s["name"]: s for s in client.get_memory_strategies(identifier)}
    assert left["own"]["description"] == "changed" and "likes" not in left
    assert client.get_memory_status(identifier) == "ACTIVE"
    assert identifier in [memory["id"] for memory in client.list_memories()]
    with pytest.raises(ClientError, match="ResourceNotFound"):
        client.delete_strategy(identifier, "likes-0123456789")
    client.delete_memory_and_wait(identifier, poll_interval=1)


def test_session_manager_with_an_llm_and_long_term_memory(environment, learning):
    from bedrock_agentcore.memory.constants import (
        BlobMessage, ConversationalMessage, MessageRole, RetrievalConfig)
    from bedrock_agentcore.memory.models import StringValue
    from bedrock_agentcore.memory.models.filters import (
        EventMetadataFilter, LeftExpression, OperatorType, RightExpression)
    from bedrock_agentcore.memory.session import MemorySessionManager
    manager = MemorySessionManager(memory_id=learning, region_name="us-west-2")
    session = manager.create_memory_session(actor_id="kim", session_id="s1")
    when = datetime.datetime(2024, 5, 1, 12, 0, 0, 250_000, tzinfo=datetime.timezone.utc)
    session.add_turns([ConversationalMessage("I keep bees in Daegu.", MessageRole.USER)],
                      metadata={"place": StringValue.build("daegu")}, event_timestamp=when)
    asked = {"/facts/{actorId}": RetrievalConfig(top_k=3, relevance_score=0.2)}
    records = eventually(lambda: session.search_long_term_memories(
        query="bees", namespace="/facts/kim"), 10)
    assert records[0]["score"] > 0

    def answer(question, memories):
        return memories[0]["content"]["text"]
    memories, reply, event = session.process_turn_with_llm(
        user_input="What do I keep?", llm_callback=answer, retrieval_config=asked)
    assert "bees" in reply and event.eventId

    async def answer_slowly(question, memories):
        return "later: " + memories[0]["content"]["text"]
    _, slow, _ = asyncio.run(session.process_turn_with_llm_async(
        user_input="And again, what do I keep?", llm_callback=answer_slowly,
        retrieval_config=asked))
    assert slow.startswith("later")
    placed = session.list_events(eventMetadata=[EventMetadataFilter.build_expression(
        LeftExpression.build("place"), OperatorType.EQUALS_TO, RightExpression.build("daegu"))])
    assert [e.payload[0]["conversational"]["content"]["text"] for e in placed] == [
        "I keep bees in Daegu."]
    assert placed[0].eventTimestamp == when, "to the millisecond"
    blob = session.add_turns([BlobMessage({"state": 1})])
    fork = session.fork_conversation(
        root_event_id=placed[0].eventId, branch_name="what_if",
        messages=[ConversationalMessage("And if it were wasps?", MessageRole.USER)])
    assert fork.branch["name"] == "what_if"
    assert {branch["name"] for branch in session.list_branches()} == {"main", "what_if"}
    assert session.get_event(blob.eventId).eventId == blob.eventId
    session.delete_event(blob.eventId)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        session.get_event(blob.eventId)
    assert [s["sessionId"] for s in session.get_actor().list_sessions()] == ["s1"]
    listed = session.list_long_term_memory_records(namespace_path="/facts")
    assert session.get_memory_record(listed[0]["memoryRecordId"])["content"]["text"]
    session.delete_memory_record(listed[0]["memoryRecordId"])
    gone = manager.delete_all_long_term_memories_in_namespace("/facts/kim")
    assert gone["failedRecords"] == []
    assert session.list_long_term_memory_records(namespace="/facts/kim") == []


def test_control_plane_client(environment):
    from bedrock_agentcore.memory.controlplane import MemoryControlPlaneClient
    import os
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    os.environ["BEDROCK_AGENTCORE_CONTROL_ENDPOINT"] = endpoint
    client = MemoryControlPlaneClient(region_name="us-west-2")
    made = client.create_memory(name=name_of("plane"), event_expiry_days=7, wait_for_active=True,
                                strategies=[{"semanticMemoryStrategy": {"name": "facts"}}])
    strategy = client.get_memory(made["id"])["strategies"][0]
    changed = client.update_strategy(made["id"], strategy["strategyId"], description="other",
                                     wait_for_active=True)
    assert changed["strategies"][0]["description"] == "other"
    client.remove_strategy(made["id"], strategy["strategyId"], wait_for_active=True)
    client.delete_memory(made["id"], wait_for_deletion=True, poll_interval=1)
