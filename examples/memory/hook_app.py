"""The guide's MemoryHook agent in a runtime: it remembers the last turns of its user, whichever
runtime session they were in.

    agentcore memory create HookAgent
    agentcore configure -e hook_app.py
    agentcore deploy --env MEMORY_ID=HookAgent-...
    agentcore invoke '{"prompt": "I like green tea"}' --session-id first-session
    agentcore invoke '{"prompt": "What do I like?"}' --session-id second-session
"""
from bedrock_agentcore.runtime import BedrockAgentCoreApp

from hook_agent import make_agent

app = BedrockAgentCoreApp()


@app.entrypoint
def invoke(payload, context):
    agent = make_agent()  # loads what was said before
    return agent(payload.get("prompt", "Hello")).message["content"][0]["text"]


if __name__ == "__main__":
    app.run()
