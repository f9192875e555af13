"""Long-term memory: the guide's listing, then a preference that is found again in a new session."""
import time

from bedrock_agentcore.memory import MemoryClient

client = MemoryClient(region_name='us-west-2')

ltm = client.create_memory_and_wait(
    name="MyAgent_LTM",
    strategies=[
        {"userPreferenceMemoryStrategy": {
            "name": "preferences",
            "namespaces": ["/user/preferences"]
        }},
        {"semanticMemoryStrategy": {
            "name": "facts",
            "namespaces": ["/user/facts"]
        }}
    ],
    event_expiry_days=30
)

client.create_event(
    memory_id=ltm["id"], actor_id="user", session_id="session-1",
    messages=[("I prefer window seats on long flights. I live in Busan.", "USER"),
              ("Noted.", "ASSISTANT")]
)
for _ in range(60):  # extraction takes a moment
    found = client.retrieve_memories(
        memory_id=ltm["id"], namespace="/user/preferences", query="Which seat does the user like?"
    )
    if found:
        break
    time.sleep(0.5)
for record in found:
    print(record["content"]["text"])
client.delete_memory_and_wait(ltm["id"])
