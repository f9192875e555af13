"""One Strands agent in a runtime: the guide's Runtime listing.

    agentcore configure -e agent.py
    agentcore deploy
    agentcore invoke '{"prompt": "Hello"}'
    agentcore invoke '{"prompt": "Hello"}' --session-id "session-123"
"""
from bedrock_agentcore.runtime import BedrockAgentCoreApp
from strands import Agent

app = BedrockAgentCoreApp()

agent = Agent(
    model="us.anthropic.claude-3-7-sonnet-20250219-v1:0",
    system_prompt="You're a helpful assistant."
)


@app.entrypoint
def invoke(payload, context):
    """payload: {"prompt": "..."}; context: session_id and more."""
    response = agent(payload.get("prompt", "Hello"))
    return response.message['content'][0]['text']


if __name__ == "__main__":
    app.run()
