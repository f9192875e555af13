"""An agent that talks both ways at once: a WebSocket beside its invocations.

    agentcore configure -e agent.py
    agentcore deploy

Clients open wss://{endpoint}/runtimes/{arn, percent-encoded}/ws, signed by AgentCoreRuntimeClient.
"""
from bedrock_agentcore.runtime import BedrockAgentCoreApp

app = BedrockAgentCoreApp()


@app.websocket
async def converse(websocket, context):
    await websocket.accept()
    await websocket.send_json({"session": context.session_id})
    async for text in websocket.iter_text():
        for word in text.split():
            await websocket.send_text(word.upper())


@app.entrypoint
def invoke(payload, context):
    return {"said": payload.get("prompt"), "session": context.session_id}


if __name__ == "__main__":
    app.run()
