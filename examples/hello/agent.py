"""The smallest agent: what the user sends comes back with a greeting.

    agentcore configure -e agent.py
    agentcore deploy
    agentcore invoke '{"prompt": "Hello"}'
"""
from bedrock_agentcore.runtime import BedrockAgentCoreApp

app = BedrockAgentCoreApp()
calls = 0  # each session is a process of its own: this counts the calls of one session


@app.entrypoint
def invoke(payload, context):
    """payload: what the user sent. context: session_id and request headers."""
    global calls
    calls += 1
    prompt = payload.get("prompt", "Hello")
    app.logger.info("call %d of session %s", calls, context.session_id)
    return f"You said: {prompt} (call {calls} of this session)"


if __name__ == "__main__":
    app.run()
