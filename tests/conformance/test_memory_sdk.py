"""Memory with the AgentCore SDK: MemoryClient, MemorySessionManager, Strands."""
import time
import uuid

from daemon import eventually
from memory_support import control, data, environment, learning, memory, name_of  # noqa: F401


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


def test_strands_session_manager_remembers_across_agents(environment, learning):
    from bedrock_agentcore.memory.integrations.strands.config import (
        AgentCoreMemoryConfig, RetrievalConfig)
    from bedrock_agentcore.memory.integrations.strands.session_manager import (
        AgentCoreMemorySessionManager)
    from strands import Agent
    from strands.models import Model

    class Echo(Model):
        """Answers with what it was last told, all of it."""

        def update_config(self, **_):
            pass

        def get_config(self):
            return {}

        async def structured_output(self, *_, **__):
            raise NotImplementedError
            yield

        async def stream(self, messages, *_, **__):
            heard = " ".join(part.get("text", "") for part in messages[-1]["content"])
            yield {"messageStart": {"role": "assistant"}}
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": f"{len(messages)}: {heard}"}}}
            yield {"contentBlockStop": {}}
            yield {"messageStop": {"stopReason": "end_turn"}}

    def agent(session):
        config = AgentCoreMemoryConfig(
            memory_id=learning, actor_id="kim", session_id=session,
            retrieval_config={"/facts/{actorId}": RetrievalConfig(top_k=5, relevance_score=0.1)})
        manager = AgentCoreMemorySessionManager(config, region_name="us-west-2")
        return Agent(model=Echo(), session_manager=manager, agent_id="echo", callback_handler=None)

    agent("one")("My sister plays the clarinet in Daegu.")
    again = agent("one")
    assert len(again.messages) == 2  # restored from events
    assert str(again("And she is older.")).startswith("3: ")
    data = learning
    assert data and eventually(
        lambda: "clarinet" in str(agent(f"s{uuid.uuid4().hex}")("What does my sister play?")), 10)
