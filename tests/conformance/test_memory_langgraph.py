"""LangGraph on Memory: AgentCoreMemorySaver keeps a graph's checkpoints, AgentCoreMemoryStore its
long-term memory (langgraph-checkpoint-aws)."""
import asyncio
import operator
from typing import Annotated, TypedDict

import pytest

from daemon import eventually
from memory_support import control, environment, learning, memory  # noqa: F401


class State(TypedDict):
    said: Annotated[list, operator.add]
    count: int


def graph_with(saver, interrupts=()):
    from langgraph.graph import END, START, StateGraph

    def listen(state):
        return {"said": ["heard " + state["said"][-1]], "count": state.get("count", 0) + 1}

    def sum_up(state):
        return {"said": [f"{len(state['said'])} lines"]}
    builder = StateGraph(State)
    builder.add_node("listen", listen)
    builder.add_node("sum_up", sum_up)
    builder.add_edge(START, "listen")
    builder.add_edge("listen", "sum_up")
    builder.add_edge("sum_up", END)
    return builder.compile(checkpointer=saver, interrupt_before=list(interrupts))


def config_of(thread, actor="kim"):
    return {"configurable": {"thread_id": thread, "actor_id": actor}}


@pytest.mark.parametrize("form", ["legacy", "snapshot"])
def test_a_graph_goes_on_where_it_was(environment, memory, form):
    from langgraph_checkpoint_aws import AgentCoreMemorySaver

    def saver():
        return AgentCoreMemorySaver(memory, checkpoint_format=form)
    first = graph_with(saver()).invoke({"said": ["one"]}, config_of("t1"))
    assert first == {"said": ["one", "heard one", "2 lines"], "count": 1}
    again = graph_with(saver())  # another process would begin like this
    second = again.invoke({"said": ["two"]}, config_of("t1"))
    assert second["count"] == 2 and len(second["said"]) == 6
    assert again.get_state(config_of("t2")).values == {}
    assert again.get_state(config_of("t1", "lee")).values == {}
    history = list(again.get_state_history(config_of("t1")))
    assert history[0].values["count"] == 2 and len(history) >= 6
    earlier = next(state for state in history if state.values.get("count") == 1
                   and state.next == ())
    forked = again.invoke({"said": ["other"]}, earlier.config)
    assert forked["said"][3] == "other"


def test_an_interrupted_graph_is_resumed_and_a_thread_deleted(environment, memory):
    from langgraph_checkpoint_aws import AgentCoreMemorySaver
    saver = AgentCoreMemorySaver(memory)
    graph_with(saver, ["sum_up"]).invoke({"said": ["one"]}, config_of("t1"))
    waiting = graph_with(AgentCoreMemorySaver(memory), ["sum_up"])
    assert waiting.get_state(config_of("t1")).next == ("sum_up",)
    done = waiting.invoke(None, config_of("t1"))
    assert done["said"][-1] == "2 lines"
    saver.delete_thread("t1", "kim")
    assert waiting.get_state(config_of("t1")).values == {}


def test_asynchronous_graphs_of_many_threads(environment, memory):
    from langgraph_checkpoint_aws import AgentCoreMemorySaver
    graph = graph_with(AgentCoreMemorySaver(memory))

    async def run():
        return await asyncio.gather(*(graph.ainvoke({"said": [f"{i}"]}, config_of(f"t{i}"))
                                      for i in range(8)))
    for i, state in enumerate(asyncio.run(run())):
        assert state["said"][:2] == [f"{i}", f"heard {i}"]


def test_the_store_remembers_what_messages_say(environment, learning):
    from langchain_core.messages import AIMessage, HumanMessage
    from langgraph_checkpoint_aws import AgentCoreMemoryStore
    store = AgentCoreMemoryStore(memory_id=learning)
    store.put(("kim", "s1"), "m1", {"message": HumanMessage("My sister plays the clarinet.")})
    store.put(("kim", "s1"), "m2", {"message": AIMessage("How nice.")})
    items = eventually(lambda: store.search(
        ("facts", "kim"), query="Which instrument does her sister play?", limit=3), 10)
    assert "clarinet" in items[0].value["content"] and items[0].score > 0
    assert store.get(("facts", "kim"), items[0].key).value == items[0].value
    assert store.get(("facts", "kim"), "mem-" + "0" * 36) is None
    exact = AgentCoreMemoryStore(memory_id=learning, hierarchical_search=False)
    assert exact.search(("facts",), query="clarinet") == []
