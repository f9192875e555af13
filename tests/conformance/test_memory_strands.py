"""Memory as Strands agents have it: AgentCoreMemorySessionManager and AgentCoreMemoryStore."""
import asyncio
import uuid

from strands import Agent
from strands.models import Model

from daemon import eventually
from memory_support import (  # noqa: F401
    control, data, environment, learning, memory)


class Echo(Model):
    """Answers with how much it was told and the last of it."""

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


def manager_of(memory_id, session, **more):
    from bedrock_agentcore.memory.integrations.strands.config import AgentCoreMemoryConfig
    from bedrock_agentcore.memory.integrations.strands.session_manager import (
        AgentCoreMemorySessionManager)
    config = AgentCoreMemoryConfig(memory_id=memory_id, actor_id="kim", session_id=session, **more)
    return AgentCoreMemorySessionManager(config, region_name="us-west-2")


def agent_of(manager):
    return Agent(model=Echo(), session_manager=manager, agent_id="echo", callback_handler=None)


def facts(**more):
    from bedrock_agentcore.memory.integrations.strands.config import RetrievalConfig
    return {"/facts/{actorId}": RetrievalConfig(top_k=5, **more)}


def test_a_session_manager_remembers_across_agents(environment, learning):
    def agent(session):
        return agent_of(manager_of(learning, session,
                                   retrieval_config=facts(relevance_score=0.1)))
    agent("one")("My sister plays the clarinet in Daegu.")
    again = agent("one")
    assert len(again.messages) == 2  # restored from events
    assert str(again("And she is older.")).startswith("3: ")
    assert eventually(
        lambda: "clarinet" in str(agent(f"s{uuid.uuid4().hex}")("What does my sister play?")), 10)


def test_batches_are_one_event_and_restored_in_order(environment, data, memory):
    with manager_of(memory, "batched", batch_size=10) as manager:
        agent = agent_of(manager)
        for i in range(3):
            agent(f"line {i}")
        before = [message["content"][0]["text"] for message in agent.messages]
    events = data.list_events(memoryId=memory, actorId="kim", sessionId="batched",
                              includePayloads=True)["events"]
    spoken = [e for e in events if any("conversational" in part for part in e["payload"])]
    assert max(len(e["payload"]) for e in spoken) > 1
    restored = agent_of(manager_of(memory, "batched"))
    assert [message["content"][0]["text"] for message in restored.messages] == before


def test_state_metadata_and_long_messages(environment, data, memory):
    manager = manager_of(memory, "stateful", default_metadata={"channel": "web"})
    agent = agent_of(manager)
    agent.state.set("seat", "window")
    agent("x" * 120_000)  # longer than a message may be: the package keeps it as a blob
    again = agent_of(manager_of(memory, "stateful"))
    assert again.state.get("seat") == "window"
    assert again.messages[0]["content"][0]["text"] == "x" * 120_000
    found = data.list_events(memoryId=memory, actorId="kim", sessionId="stateful", filter={
        "eventMetadata": [{"left": {"metadataKey": "channel"}, "operator": "EQUALS_TO",
                           "right": {"metadataValue": {"stringValue": "web"}}}]})["events"]
    assert found


def test_an_asynchronous_session_manager(environment, memory):
    async def run():
        agent = await asyncio.to_thread(agent_of, manager_of(memory, "async", async_mode=True))
        first = await agent.invoke_async("one")
        second = await agent.invoke_async("two")
        return str(first).strip(), str(second).strip()
    assert asyncio.run(run()) == ("1: one", "3: two")
    assert len(agent_of(manager_of(memory, "async")).messages) == 4


def test_a_memory_store_writes_and_recalls(environment, learning):
    from bedrock_agentcore.memory.integrations.strands.memorystore import AgentCoreMemoryStore
    from strands.memory import MemoryManager

    def agent(session):
        store = AgentCoreMemoryStore(
            memory_id=learning, actor_id="kim", session_id=session, namespace="/facts/{actorId}",
            writable=True, extraction=True, region_name="us-west-2")
        manager = MemoryManager(stores=[store])
        return manager, Agent(model=Echo(), memory_manager=manager, callback_handler=None)
    manager, first = agent("one")
    first("My brother repairs violins in Jeonju.")
    manager, _ = agent("two")
    found = eventually(lambda: asyncio.run(manager.search("violins")), 10)
    assert "violins" in str(found)
