"""An agent that remembers: the guide's MemoryHook.

The agent gets its session and a system prompt, which the hook reads and extends; see
docs/guide/differences.md.
"""
import os
import sys

from bedrock_agentcore.memory import MemoryClient
from strands import Agent
from strands.hooks import AgentInitializedEvent, HookProvider, MessageAddedEvent

memory_client = MemoryClient(region_name="us-west-2")
MEMORY_ID = os.environ.get("MEMORY_ID") or memory_client.create_or_get_memory(
    name="HookAgent", strategies=[], event_expiry_days=7)["id"]


class MemoryHook(HookProvider):
    def on_agent_initialized(self, event):
        """Loads what was said before."""
        turns = memory_client.get_last_k_turns(
            memory_id=MEMORY_ID,
            actor_id="user",
            session_id=event.agent.state.get("session_id"),
            k=3
        )
        if turns:
            context = "\n".join([f"{m['role']}: {m['content']['text']}"
                                 for t in turns for m in t])
            event.agent.system_prompt += f"\n\nPrevious:\n{context}"

    def on_message_added(self, event):
        """Stores what is said."""
        msg = event.agent.messages[-1]
        memory_client.create_event(
            memory_id=MEMORY_ID,
            actor_id="user",
            session_id=event.agent.state.get("session_id"),
            messages=[(str(msg["content"]), msg["role"])]
        )

    def register_hooks(self, registry):
        registry.add_callback(AgentInitializedEvent, self.on_agent_initialized)
        registry.add_callback(MessageAddedEvent, self.on_message_added)


def make_agent():
    return Agent(
        model="...",
        system_prompt="You're a helpful assistant.",
        hooks=[MemoryHook()],
        state={"session_id": "session-1"}
    )


if __name__ == "__main__":
    agent = make_agent()
    print("prompt:", agent.system_prompt)
    print("answer:", agent(" ".join(sys.argv[1:]) or "Hello").message["content"][0]["text"])
