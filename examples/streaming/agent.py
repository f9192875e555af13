"""An agent that answers word by word: the caller sees each word when it is there.

    agentcore configure -e agent.py
    agentcore deploy
    agentcore invoke "tell me something"
"""
import asyncio

from bedrock_agentcore.runtime import BedrockAgentCoreApp

app = BedrockAgentCoreApp()


@app.entrypoint
async def invoke(payload):
    prompt = payload.get("prompt", "something")
    for word in f"You asked for {prompt!r} and here it comes, one word at a time.".split():
        yield word + " "
        await asyncio.sleep(0.2)


if __name__ == "__main__":
    app.run()
