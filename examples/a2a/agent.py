"""An agent that other agents call: A2A. It reverses what it is told and counts its calls.

    agentcore configure -e agent.py -p A2A
    agentcore deploy
"""
from a2a.helpers import new_text_message
from a2a.server.agent_execution import AgentExecutor
from bedrock_agentcore.runtime import serve_a2a


class Reverser(AgentExecutor):
    """Turns words around."""

    calls = 0

    async def execute(self, context, event_queue):
        self.calls += 1
        answer = f"{context.get_user_input()[::-1]} ({self.calls})"
        await event_queue.enqueue_event(new_text_message(answer))

    async def cancel(self, context, event_queue):
        raise NotImplementedError("it is done before anybody could")


if __name__ == "__main__":
    serve_a2a(Reverser())
