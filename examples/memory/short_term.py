"""Short-term memory: the guide's listing, then two turns and back."""
from bedrock_agentcore.memory import MemoryClient

client = MemoryClient(region_name='us-west-2')

stm = client.create_memory_and_wait(
    name="MyAgent_STM",
    strategies=[],  # none: short term only
    event_expiry_days=7
)

client.create_event(
    memory_id=stm["id"], actor_id="user", session_id="session-1",
    messages=[("My name is Minji", "USER"), ("Nice to meet you, Minji", "ASSISTANT")]
)
turns = client.get_last_k_turns(
    memory_id=stm["id"], actor_id="user", session_id="session-1", k=3
)
for turn in turns:
    for message in turn:
        print(f"{message['role']}: {message['content']['text']}")
client.delete_memory_and_wait(stm["id"])
