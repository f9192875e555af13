"""An agent for user interfaces: AG-UI. It says what it is told, word by word.

    agentcore configure -e agent.py -p AGUI
    agentcore deploy
"""
from ag_ui.core import (RunFinishedEvent, RunStartedEvent, TextMessageContentEvent,
                        TextMessageEndEvent, TextMessageStartEvent)
from bedrock_agentcore.runtime import serve_ag_ui


async def run(given):
    names = {"thread_id": given.thread_id, "run_id": given.run_id}
    yield RunStartedEvent(**names)
    yield TextMessageStartEvent(message_id="1", role="assistant")
    for word in given.messages[-1].content.split():
        yield TextMessageContentEvent(message_id="1", delta=word + " ")
    yield TextMessageEndEvent(message_id="1")
    yield RunFinishedEvent(**names)


if __name__ == "__main__":
    serve_ag_ui(run)
